// What a key, a drag or a toast asks the server to do with the draft.
import { toast } from "../toast.js";

/** The panel's form, when something is written in it that is not saved. */
export const unsaved = () => document.querySelector(".panel-form[data-unsaved]");

/**
 * Save what is written in a panel; `then` is the address of what opens after it. Returns whether it
 * was sent: a conflict, or a box that the browser refuses, has to be looked at first.
 */
export function save(form, then) {
  if ("conflict" in form.dataset) {
    toast({ message: "Save yours first, or close the panel to leave it as it is now.", kind: "info" });
    return false;
  }
  if (!form.reportValidity()) return false;
  form.elements.then.value = then;
  form.requestSubmit(form.querySelector("[name=verb][value=save]"));
  return true;
}

let waiting = null;

/** Save what is written in the panel, then go on with `next`. A new step has to be added first. */
export function saveFirst(form, next) {
  if (form.elements.step.value === "new") {
    toast({ message: "Add the new step first, or close its panel.", kind: "info" });
  } else if (save(form, location.search.slice(1))) waiting = next;
}

/**
 * Let the server carry out a verb with `values`: step, to, operation. What is written in the panel
 * is saved before.
 */
export function act(verb, values) {
  const form = document.getElementById("flow-verbs");
  const writing = unsaved();
  if (!form) return;
  if (writing) saveFirst(writing, () => act(verb, values));
  else send(form, verb, values);
}

function send(form, verb, values) {
  const named = form.querySelector(`[name=verb][value=${verb}]`);
  if (named?.disabled && !values.operation) return;
  for (const name of ["step", "to", "operation"]) form.elements[name].value = values[name] ?? "";
  form.elements.stay.value = location.search.slice(1);
  const button = form.querySelector(".flow-verb");
  button.value = verb;
  form.requestSubmit(button);
}

document.addEventListener("htmx:after:swap", () => {
  const next = waiting;
  waiting = null;
  if (!unsaved()) next?.();
});

// “Undo” in a toast.
document.body.dataset.undoes = "";
document.addEventListener("undo:wanted", (event) => act("undo", { operation: event.detail.operations[0] }));
