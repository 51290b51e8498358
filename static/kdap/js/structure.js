// The structure page: fields are dragged to another place, for everybody.
import "./field_form.js";
import { Undo } from "./grid/undo.js";

// Only those who may change fields have the buttons.
const buttons = document.querySelector(".undo-buttons");
if (buttons) {
  new Undo({
    urls: { undo: buttons.dataset.undoUrl, redo: buttons.dataset.redoUrl },
    changed: () => window.htmx.trigger(document.body, "structure:changed"),
  });
}

document.addEventListener("pointerdown", (event) => {
  const grip = event.target.closest?.("[data-sortable] .item-grip");
  if (grip && event.button === 0) drag(event, grip.closest("[data-field]"));
});

/** Move an item with the pointer; tell the server where it was let go. */
function drag(start, item) {
  start.preventDefault();
  const list = item.parentElement;
  const before = [...list.children].indexOf(item);
  item.classList.add("is-dragged");
  const move = (event) => {
    const others = [...list.children].filter((other) => other !== item);
    const next = others.find((other) => {
      const box = other.getBoundingClientRect();
      return event.clientY < box.top + box.height / 2;
    });
    list.insertBefore(item, next ?? null);
  };
  const end = () => {
    document.removeEventListener("pointermove", move);
    item.classList.remove("is-dragged");
    const position = [...list.children].indexOf(item);
    if (position !== before) window.htmx.ajax("POST", item.dataset.move, { values: { position }, swap: "none" });
  };
  document.addEventListener("pointermove", move);
  document.addEventListener("pointerup", end, { once: true });
}
