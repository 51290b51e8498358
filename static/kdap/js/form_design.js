// The editor of a public form: rows move without asking the server, by pointer, buttons and keys.
// What is saved is the order in which the page has them.

const list = document.querySelector("[data-rows]");

list?.addEventListener("click", (event) => {
  const button = event.target.closest("button[name=move]");
  if (!button) return;
  event.preventDefault();
  const row = button.closest("[data-row]");
  if (button.value.endsWith(":up")) row.previousElementSibling?.before(row);
  else row.nextElementSibling?.after(row);
  moved();
  // At an end the button that was pressed does nothing any more; its neighbour does.
  if (button.disabled) row.querySelector("button[name=move]:not(:disabled)")?.focus();
  else button.focus();
});

list?.addEventListener("pointerdown", (event) => {
  const grip = event.target.closest(".item-grip");
  if (grip && event.button === 0) drag(event, grip.closest("[data-row]"));
});

/** Let a row follow the pointer until it is let go. */
function drag(start, row) {
  start.preventDefault();
  row.classList.add("is-dragged");
  const move = (event) => {
    const others = [...list.children].filter((other) => other !== row);
    const next = others.find((other) => {
      const box = other.getBoundingClientRect();
      return event.clientY < box.top + box.height / 2;
    });
    list.insertBefore(row, next ?? null);
  };
  const end = () => {
    document.removeEventListener("pointermove", move);
    document.removeEventListener("pointerup", end);
    document.removeEventListener("pointercancel", end);
    row.classList.remove("is-dragged");
    moved();
  };
  document.addEventListener("pointermove", move);
  document.addEventListener("pointerup", end);
  document.addEventListener("pointercancel", end);
}

/** The first row can't go up and the last one not down. */
function moved() {
  const rows = [...list.querySelectorAll("[data-row]")];
  for (const [at, row] of rows.entries()) {
    const [up, down] = row.querySelectorAll("button[name=move]");
    up.disabled = at === 0;
    down.disabled = at === rows.length - 1;
  }
}
