// The active cell and the range around it, moved by mouse, finger and keys.
import { follow } from "./pointer.js";

/** A range of cells. `mode` is cells, rows, columns or all. */
export class Selection {
  constructor(grid) {
    this.grid = grid;
    this.row = this.column = this.toRow = this.toColumn = 0;
    this.mode = "cells";
    const { scroller } = grid.parts;
    scroller.addEventListener("pointerdown", (event) => {
      this.touched = event.pointerType !== "mouse";
      if (!this.touched) this.#down(event);
    });
    // A finger that scrolls must not select; only one that taps does.
    scroller.addEventListener("click", (event) => { if (this.touched) this.#down(event); });
    scroller.addEventListener("dblclick", (event) => this.#double(event));
    grid.on("columns:rebuilt", () => this.clamp());
    grid.on("extent", () => this.clamp());
  }

  /** The range: top, bottom, left, right, inclusive. */
  get rect() {
    const { store, columns } = this.grid;
    const rows = [this.row, this.toRow].sort((a, b) => a - b);
    const cols = [this.column, this.toColumn].sort((a, b) => a - b);
    const tall = this.mode === "columns" || this.mode === "all";
    const wide = this.mode === "rows" || this.mode === "all";
    return {
      top: tall ? 0 : rows[0],
      bottom: tall ? store.count - 1 : rows[1],
      left: wide ? 0 : cols[0],
      right: wide ? columns.shown.length - 1 : cols[1],
    };
  }

  /** Whether more than one cell is selected. */
  get isRange() {
    const { top, bottom, left, right } = this.rect;
    return bottom > top || right > left;
  }

  /** Go to a cell; `extend` stretches the range there instead. */
  go(row, column, { extend = false, mode = "cells", reveal = true } = {}) {
    const { store, columns, view } = this.grid;
    const at = (value, count) => Math.min(Math.max(0, value), Math.max(0, count - 1));
    this.toRow = at(row, store.count);
    this.toColumn = at(column, columns.shown.length);
    if (!extend) [this.row, this.column] = [this.toRow, this.toColumn];
    this.mode = mode;
    if (reveal) view.reveal(this.toRow, this.toColumn);
    this.grid.emit("look");
    this.grid.emit("selection");
  }

  /** Move by rows and columns, from the active cell or, extending, from the range's loose end. */
  step(rows, columns, extend = false) {
    const [row, column] = extend ? [this.toRow, this.toColumn] : [this.row, this.column];
    const mode = extend ? this.mode : "cells";
    this.go(row + rows, column + columns, { extend, mode });
  }

  /** Select whole rows, whole columns or everything, through the present range. */
  widen(mode) {
    this.mode = mode;
    this.grid.emit("look");
    this.grid.emit("selection");
  }

  /** Keep within what there is. */
  clamp() {
    const rows = Math.max(0, this.grid.store.count - 1);
    const columns = Math.max(0, this.grid.columns.shown.length - 1);
    this.row = Math.min(this.row, rows);
    this.toRow = Math.min(this.toRow, rows);
    this.column = Math.min(this.column, columns);
    this.toColumn = Math.min(this.toColumn, columns);
  }

  /** The field of the active cell. */
  get field() {
    return this.grid.columns.shown[this.column]?.field;
  }

  #down(event) {
    const hit = this.grid.render.at(event.target);
    if (!hit || event.button > 0) {
      if (hit && event.button === 2) this.#toward(hit);
      return;
    }
    if (event.target.closest(".cell-editor, .grid-open, .grid-fill")) return;
    const again = hit.position === this.row && hit.index === this.column && !this.isRange;
    // A link opens when its cell was active before, or with Ctrl as links do everywhere.
    if (event.target.closest("a") && (again || event.ctrlKey || event.metaKey)) return;
    const mode = hit.head ? "rows" : "cells";
    this.go(hit.position, Math.max(0, hit.index), { extend: event.shiftKey, mode, reveal: !hit.head });
    this.grid.focus();
    if (!this.touched) this.#drag(event, mode);
    if (again && !event.shiftKey) this.grid.emit("cell:again", { ...hit, touched: this.touched });
    if (!this.touched) event.preventDefault();
  }

  /** A right click outside the range moves it there first. */
  #toward(hit) {
    const { top, bottom, left, right } = this.rect;
    const inside = hit.position >= top && hit.position <= bottom && (hit.head || (hit.index >= left && hit.index <= right));
    if (!inside) this.go(hit.position, Math.max(0, hit.index), { mode: hit.head ? "rows" : "cells" });
  }

  #drag(start, mode) {
    const over = dragger(this.grid, ({ position, index }) => {
      if (position === this.toRow && (index === this.toColumn || mode === "rows")) return;
      const column = mode === "rows" ? this.toColumn : index;
      this.go(position, column, { extend: true, mode, reveal: false });
    });
    follow(start, over.move, over.stop);
  }

  #double(event) {
    const hit = this.grid.render.at(event.target);
    if (hit && !hit.head) this.grid.editors.open();
  }
}

/**
 * Follow a pointer over the cells, scrolling when it leaves the window. `report` gets
 * {position, index} of the cell beneath; returns {move, stop}.
 */
export function dragger(grid, report) {
  let timer = 0;
  let last = null;
  const tell = () => report(cellUnder(grid, last.clientX, last.clientY));
  const roll = () => {
    const box = grid.parts.scroller.getBoundingClientRect();
    const past = (value, low, high) => (value < low ? value - low : Math.max(0, value - high));
    const dy = past(last.clientY, box.top + grid.view.top, box.bottom - grid.view.bottom);
    const dx = past(last.clientX, box.left + 8, box.right - 24);
    if (!dx && !dy) return;
    grid.parts.scroller.scrollBy(dx / 2, dy / 2);
    tell();
  };
  return {
    move(event) {
      last = event;
      timer ||= setInterval(roll, 40);
      tell();
    },
    stop() {
      clearInterval(timer);
    },
  };
}

function cellUnder(grid, clientX, clientY) {
  const { parts, view, columns, store } = grid;
  const box = parts.scroller.getBoundingClientRect();
  const x = clientX - box.left;
  const across = x < columns.frozen ? x : x + parts.scroller.scrollLeft;
  const y = view.y + (clientY - box.top - view.top);
  let index = columns.shown.findIndex((column) => across < column.left + column.width);
  if (index < 0) index = columns.shown.length - 1;
  const position = Math.min(Math.max(0, Math.floor(y / view.rowHeight)), Math.max(0, store.count - 1));
  return { position, index };
}
