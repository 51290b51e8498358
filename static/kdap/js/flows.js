// The builder and the page of a run: what they can do better with a script.

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

// What was written into the panel is saved before another one opens.
const unsaved = () => document.querySelector(".panel-form[data-unsaved]");
document.addEventListener("input", (event) => {
  const form = event.target.closest?.(".panel-form[data-edits]");
  if (form) form.dataset.unsaved = "";
});
document.addEventListener("click", (event) => {
  const link = event.target.closest?.(".canvas a, .builder-bar a[hx-get], [data-leaves]");
  const form = link && unsaved();
  if (!form || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  event.stopImmediatePropagation();
  form.elements.then.value = new URL(link.href).search.slice(1);
  form.requestSubmit(form.querySelector("[name=verb][value=save]"));
}, true);
addEventListener("beforeunload", (event) => {
  if (unsaved()) event.preventDefault();
});

// A long list of values is narrowed by typing.
document.addEventListener("input", (event) => {
  if (!event.target.matches?.(".refs-find")) return;
  const wanted = event.target.value.trim().toLowerCase();
  for (const ref of document.querySelectorAll(".refs .ref"))
    ref.parentElement.hidden = !ref.textContent.toLowerCase().includes(wanted);
});

// Arrows go from step to step and with Alt carry the step along; Ctrl+Z takes back.
function act(verb, id) {
  const form = document.getElementById("flow-verbs");
  const button = form?.querySelector(`[value=${verb}]`);
  if (!button || button.disabled) return;
  form.elements.step.value = id;
  form.elements.stay.value = location.search.slice(1);
  form.requestSubmit(button);
}
document.addEventListener("keydown", (event) => {
  const node = event.target.closest?.(".canvas .node");
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (node && step && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    const nodes = [...document.querySelectorAll(".canvas .node")];
    if (!event.altKey) nodes[nodes.indexOf(node) + step]?.focus();
    else if (node.dataset.id) act(step < 0 ? "up" : "down", node.dataset.id);
  }
  const writes = event.target.closest?.("input, textarea, select, dialog");
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "z" && !writes && !event.altKey)
    act(event.shiftKey ? "redo" : "undo", "");
});

// The keyboard follows to the panel that opens, and comes back to its step when it closes. What the
// picture shows stays where it was.
let step = document.getElementById("builder")?.dataset.step;
let unfolded = [], left = 0, held = null;
document.addEventListener("htmx:before:swap", () => {
  unfolded = [...document.querySelectorAll("#run details[open]")].map((part) => part.id);
  left = document.querySelector(".canvas")?.scrollLeft ?? 0;
  held = document.activeElement?.id;
});
document.addEventListener("htmx:after:swap", () => {
  for (const id of unfolded) if (id) document.getElementById(id)?.setAttribute("open", "");
  const builder = document.getElementById("builder");
  if (!builder) return;
  document.querySelector(".canvas").scrollLeft = left;
  const before = step;
  step = builder.dataset.step;
  showChosen();
  const back = step === before ? held : before && `node-${before}`;
  const next = step && step !== before ? "panel-title" : back;
  if (next && document.activeElement?.id !== next) document.getElementById(next)?.focus({ preventScroll: true });
});

function showChosen() {
  const chosen = document.querySelector(".canvas .is-chosen") ?? document.querySelector(".node-trigger");
  chosen?.scrollIntoView({ block: "nearest", inline: chosen.matches(".node-trigger") ? "center" : "nearest" });
}
if (step !== undefined) showChosen();
