// Draws what the viewport says can be seen, into rows that are used again and again.
import { icon } from "../toast.js";
import { paint, textOf } from "./cells.js";

const counting = new Intl.NumberFormat("en");

/** The body of the grid: a pool of row elements. */
export class Render {
  constructor(grid) {
    this.grid = grid;
    this.rows = new Map();
    this.free = [];
    grid.on("draw", () => this.draw());
    grid.on("rows", () => this.draw());
    grid.on("columns:rebuilt", () => this.#rebuild());
    grid.on("look", () => this.look());
  }

  #rebuild() {
    for (const row of this.rows.values()) row.element.remove();
    this.rows.clear();
    this.free = [];
    this.draw();
  }

  /** Bring the drawn rows in line with the viewport, the store and the selection. */
  draw() {
    const { view, columns } = this.grid;
    const window = `${view.left}-${view.right}`;
    for (const [position, row] of this.rows) {
      if (position >= view.first && position <= view.last) continue;
      this.rows.delete(position);
      this.free.push(row);
    }
    for (let position = view.first; position <= view.last; position++) {
      const row = this.rows.get(position) ?? this.#take(position);
      if (row.window !== window) this.#fit(row, view, columns, window);
      this.#place(row, position);
      this.#fill(row, position);
      if (row.stale) this.#lookAt(row, position);
    }
    for (const row of this.free) this.#show(row, false);
    for (const row of this.free.splice(40)) row.element.remove();
    this.#pointTo(this.grid.selection);
  }

  #take(position) {
    const row = this.free.pop() ?? this.#make();
    this.#show(row, true);
    this.rows.set(position, row);
    return row;
  }

  #show(row, shown) {
    if (row.shown === shown) return;
    row.shown = shown;
    row.element.hidden = !shown;
  }

  #make() {
    const element = div("grid-row", "row");
    const frozen = div("grid-frozen", "presentation");
    const head = div("grid-rowhead", "rowheader");
    const number = document.createElement("span");
    number.className = "grid-number";
    number.append("");
    const open = document.createElement("button");
    open.type = "button";
    open.tabIndex = -1;
    open.className = "grid-open";
    open.setAttribute("aria-label", "Open the entry");
    open.append(icon("arrows-maximize"));
    head.append(number, open);
    frozen.append(head);
    element.append(frozen);
    this.grid.parts.canvas.append(element);
    const text = number.firstChild;
    return { element, frozen, head, text, cells: new Map(), window: "", y: null, shown: true };
  }

  /** Give a row the cells of the columns that can be seen, and no others. */
  #fit(row, view, columns, window) {
    for (const [index, cell] of row.cells) {
      const kept = this.#isFrozen(index) || (index >= view.left && index <= view.right);
      if (!kept) {
        cell.element.remove();
        row.cells.delete(index);
      }
    }
    if (this.#isFrozen(0) && !row.cells.has(0)) this.#addCell(row, 0, columns);
    for (let index = view.left; index <= view.right; index++) {
      if (columns.shown[index] && !row.cells.has(index)) this.#addCell(row, index, columns);
    }
    row.window = window;
    row.stale = true;
  }

  #isFrozen(index) {
    return index === 0 && !this.grid.columns.isPhone;
  }

  #addCell(row, index, columns) {
    const { field } = columns.shown[index];
    const element = div("", "gridcell");
    element.setAttribute("aria-colindex", index + 1);
    const base = `cell c-${index} is-${field.editor}${field.align === "start" ? "" : ` to-${field.align}`}`;
    element.className = base;
    (this.#isFrozen(index) ? row.frozen : row.element).append(element);
    row.cells.set(index, { element, base, css: base, value: undefined, mark: undefined });
  }

  #place(row, position) {
    const y = this.grid.view.drawnAt(position);
    if (row.y !== y) {
      row.y = y;
      row.element.style.top = `${y}px`;
    }
    if (row.position === position) return;
    row.position = position;
    row.stale = true;
    row.element.setAttribute("aria-rowindex", position + 2);
    row.text.data = counting.format(position + 1);
  }

  #fill(row, position) {
    const { grid } = this;
    const data = grid.store.row(position);
    if (row.waiting !== !data) {
      row.waiting = !data;
      row.element.classList.toggle("is-waiting", row.waiting);
    }
    for (const [index, cell] of row.cells) {
      const { field, at } = grid.columns.shown[index];
      const mark = data && grid.edits.markOf(data[0], field.key);
      const value = data?.[at] ?? null;
      if (cell.value === value && cell.mark === mark && cell.id === data?.[0]) continue;
      if (cell.mark !== mark) row.stale = true;
      Object.assign(cell, { value, mark, id: data?.[0] });
      if (mark?.text !== undefined) cell.element.textContent = mark.text;
      else paint(cell.element, value, field, grid);
      if (cell.element.title || mark?.detail) this.#explain(cell.element, mark?.detail);
    }
  }

  #explain(element, detail) {
    element.title = detail ?? "";
    if (detail) element.setAttribute("aria-invalid", "true");
    else element.removeAttribute("aria-invalid");
  }

  /** Show the selection and marks; writes only what differs from what is there. */
  look() {
    for (const [position, row] of this.rows) this.#lookAt(row, position);
    this.#pointTo(this.grid.selection);
  }

  #lookAt(row, position) {
    const { selection, columns } = this.grid;
    const last = columns.shown.length - 1;
    const inside = selection.rects.filter((rect) => position >= rect.top && position <= rect.bottom);
    const whole = selection.picksRows && inside.some((rect) => rect.left === 0 && rect.right === last);
    if (row.whole !== whole) {
      row.whole = whole;
      row.element.classList.toggle("is-selected", whole);
    }
    for (const [index, cell] of row.cells) this.#dress(cell, position, index, inside);
    row.stale = false;
  }

  #dress(cell, position, index, rects) {
    let css = cell.base;
    let selected = false;
    for (const rect of rects) {
      if (index < rect.left || index > rect.right) continue;
      selected = true;
      css += " in";
      if (position === rect.top) css += " in-top";
      if (position === rect.bottom) css += " in-bottom";
      if (index === rect.left) css += " in-left";
      if (index === rect.right) css += " in-right";
    }
    if (cell.mark) css += ` mark-${cell.mark.kind}`;
    const { selection } = this.grid;
    const active = position === selection.row && index === selection.column;
    if (active) css += " is-active";
    if (cell.css === css) return;
    cell.css = css;
    cell.element.className = css;
    cell.element.setAttribute("aria-selected", selected);
  }

  #pointTo(selection) {
    const { scroller } = this.grid.parts;
    const active = this.cellAt(selection.row, selection.column)?.element;
    if (active === this.active && active?.id) return;
    this.active?.removeAttribute("id");
    this.active = active;
    if (!active) {
      scroller.removeAttribute("aria-activedescendant");
      return;
    }
    active.id = "active-cell";
    scroller.setAttribute("aria-activedescendant", "active-cell");
  }

  /** The drawn cell at a position, or undefined. */
  cellAt(position, index) {
    return this.rows.get(position)?.cells.get(index);
  }

  /** What an event's target belongs to: {position, index, head}, or null. */
  at(target) {
    const element = target.closest?.(".cell, .grid-rowhead");
    const owner = element?.closest(".grid-row");
    if (!owner) return null;
    for (const [position, row] of this.rows) {
      if (row.element !== owner) continue;
      if (element === row.head) return { position, index: -1, head: true };
      for (const [index, cell] of row.cells) {
        if (cell.element === element) return { position, index, head: false };
      }
    }
    return null;
  }

  /** The text of a cell, as a screen reader or the clipboard gets it. */
  text(position, index) {
    const row = this.grid.store.row(position);
    const column = this.grid.columns.shown[index];
    return row && column ? textOf(row[column.at], column.field, this.grid) : "";
  }
}

function div(css, role) {
  const made = document.createElement("div");
  made.className = css;
  made.setAttribute("role", role);
  return made;
}
