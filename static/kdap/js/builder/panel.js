// Writing in the panel of a step.
import { save, saveFirst, unsaved } from "./verbs.js";

// The box in which somebody writes gets the value that is pressed in the list below.
let box = null;
document.addEventListener("focusin", (event) => {
  if (event.target.matches?.("[data-template]")) box = event.target;
});
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-reference]");
  if (!button) return;
  const target = box?.isConnected ? box : document.querySelector(".panel [data-template]");
  if (!target || target.readOnly) return;
  target.setRangeText(button.dataset.reference, target.selectionStart, target.selectionEnd, "end");
  target.dispatchEvent(new Event("input", { bubbles: true }));
  target.dispatchEvent(new Event("change", { bubbles: true }));
  target.focus();
});

// A list of names and values grows with what is written into its last line.
document.addEventListener("input", (event) => {
  const list = event.target.closest?.("[data-pairs]");
  const line = event.target.closest?.(".pair");
  if (!list || line !== list.querySelector(".pair:last-of-type") || !event.target.value) return;
  const next = line.cloneNode(true);
  for (const input of next.querySelectorAll("input")) input.value = "";
  list.append(next);
});

// A long list of values is narrowed by typing.
document.addEventListener("input", (event) => {
  if (!event.target.matches?.(".refs-find")) return;
  const wanted = event.target.value.trim().toLowerCase();
  for (const ref of document.querySelectorAll(".refs .ref"))
    ref.parentElement.hidden = !ref.textContent.toLowerCase().includes(wanted);
});

// What was written is saved before another panel opens, and when it is closed. A step that is not
// there yet is given up by closing, and so is what was refused.
document.addEventListener("input", (event) => {
  const form = event.target.closest?.(".panel-form[data-edits]");
  if (form) form.dataset.unsaved = "";
});
document.addEventListener("click", (event) => {
  const link = event.target.closest?.(".canvas a, .builder-bar a[hx-get], .panel [data-leaves]");
  const form = link && unsaved();
  if (!form || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const closes = link.matches(".panel-close");
  if (closes && ("refused" in form.dataset || form.elements.step.value === "new")) {
    delete form.dataset.unsaved;
    return;
  }
  event.preventDefault();
  event.stopImmediatePropagation();
  save(form, closes ? "close" : new URL(link.href).search.slice(1));
}, true);
// So is it before the workflow is published or another of its pages opens, which show what is saved.
const OTHERS = ".flow-head a[href], .flow-tabs a[href]";
document.addEventListener("click", (event) => {
  const link = event.target.closest?.(OTHERS);
  const form = link && unsaved();
  if (!form || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  const href = link.getAttribute("href");
  const again = () => [...document.querySelectorAll(OTHERS)].find((a) => a.getAttribute("href") === href);
  saveFirst(form, () => again()?.click());
}, true);

/** Bring into view what was refused, however far down it is; return the box to mend, if it is new. */
export function showRefused() {
  const form = document.querySelector(".panel-form[data-refused]:not([data-shown])");
  if (!form) return null;
  form.dataset.shown = "";
  const wrong = form.querySelector(".panel-error");
  const details = wrong?.closest("details");
  if (details) details.open = true;
  const boxes = "input:not([type=hidden]), select, textarea";
  const box = wrong?.parentElement.querySelector(boxes) ?? form.querySelector("#panel-refused");
  (wrong ?? box)?.scrollIntoView({ block: "center" });
  return box;
}

addEventListener("beforeunload", (event) => {
  if (unsaved()) event.preventDefault();
});
