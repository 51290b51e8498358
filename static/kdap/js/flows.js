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

// The keyboard follows to the panel that opens, and comes back to its step when it closes.
let step = document.getElementById("builder")?.dataset.step;
let unfolded = [];
document.addEventListener("htmx:before:swap", () => {
  unfolded = [...document.querySelectorAll("#run details[open]")].map((part) => part.id);
});
document.addEventListener("htmx:after:swap", () => {
  for (const id of unfolded) if (id) document.getElementById(id)?.setAttribute("open", "");
  const builder = document.getElementById("builder");
  if (!builder || builder.dataset.step === step) return;
  const before = step;
  step = builder.dataset.step;
  const back = before && document.getElementById(`node-${before}`);
  (document.getElementById("panel-title") ?? back)?.focus({ preventScroll: true });
});
