// What to do with a cell that was refused or is in conflict: a card below the active cell.
import { textOf } from "./cells.js";
import { button, moveTo, part } from "./dialogs.js";

let card = null;

/** Show the card of the active cell's mark; take away the one of another cell. */
export function showMark(grid) {
  card?.remove();
  card = null;
  const { row: position, column: index, field } = grid.selection;
  const row = grid.store.row(position);
  const mark = row && field && grid.edits.markOf(row[0], field.key);
  const cell = mark && grid.render?.cellAt(position, index);
  if (!cell || mark.kind === "waiting") return;
  card = part("div", `mark-card is-${mark.kind}`);
  card.popover = "manual";
  card.setAttribute("role", "group");
  card.append(part("p", "", mark.detail));
  const context = { grid, id: row[0], field, position, mark };
  card.append(...(mark.kind === "conflict" ? choices(context) : mending(context)));
  grid.parts.scroller.after(card);
  card.showPopover();
  moveTo(card, cell.element);
  grid.say(mark.detail);
}

function choices({ grid, id, field, position, mark }) {
  const theirs = textOf(mark.theirs, field, grid) || "empty";
  const mine = mark.text || "empty";
  return [
    button(`Keep theirs: ${short(theirs)}`, "btn btn-sm", () => {
      grid.edits.discard(id, field.key);
      grid.focus();
    }),
    button(`Keep mine: ${short(mine)}`, "btn btn-sm btn-primary", () => {
      grid.edits.write([{ position, key: field.key, value: mark.yours }], { force: true });
      grid.focus();
    }),
  ];
}

function mending({ grid, id, field }) {
  return [
    button("Undo my text", "btn btn-sm", () => {
      grid.edits.discard(id, field.key);
      grid.focus();
    }),
    button("Edit", "btn btn-sm btn-primary", () => grid.editors.open()),
  ];
}

function short(text) {
  return text.length > 32 ? `${text.slice(0, 30)}…` : text;
}
