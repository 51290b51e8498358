// The active cell, the range around it and further ranges, moved by mouse, finger and keys.
import { isMac } from "./keys.js";
import { follow } from "./pointer.js";
import { disjoint, holds, rowsIn, spansOfRows } from "./ranges.js";

/**
 * A range of cells from the active one (row, column) to its loose end (toRow, toColumn), and the
 * `others` that were selected before it. `mode` is cells, rows, columns or all.
 */
export class Selection {
  constructor(grid) {
    this.grid = grid;
    this.row = this.column = this.toRow = this.toColumn = 0;
    this.mode = "cells";
    this.others = [];
    this.moves = 0;
    const { scroller } = grid.parts;
    scroller.addEventListener("pointerdown", (event) => {
      this.touched = event.pointerType !== "mouse";
      if (!this.touched) this.#down(event);
    });
    // A finger that scrolls must not select; only one that taps does.
    scroller.addEventListener("click", (event) => { if (this.touched) this.#down(event); });
    scroller.addEventListener("dblclick", (event) => this.#double(event));
    grid.on("columns:rebuilt", () => this.#reduce());
    grid.on("asked", () => this.#reduce());
    grid.on("extent", () => this.clamp());
  }

  /** The range of the active cell: top, bottom, left, right, inclusive. */
  get rect() {
    return this.#rectOf(this);
  }

  /** Every range, that of the active cell last. They may overlap. */
  get rects() {
    return this.others.length ? [...this.others.map((other) => this.#rectOf(other)), this.rect] : [this.rect];
  }

  /** Ranges that cover each selected cell once. */
  get areas() {
    return disjoint(this.rects);
  }

  /** The selected rows as spans [first, last], and how many they are. */
  get spans() {
    return spansOfRows(this.rects);
  }

  get rowCount() {
    return rowsIn(this.spans);
  }

  /** Whether whole rows are selected, and not by chance. */
  get picksRows() {
    return [this, ...this.others].some(({ mode }) => mode === "rows" || mode === "all");
  }

  #rectOf({ row, toRow, column, toColumn, mode }) {
    const { store, columns } = this.grid;
    const rows = [row, toRow].sort((a, b) => a - b);
    const cols = [column, toColumn].sort((a, b) => a - b);
    const tall = mode === "columns" || mode === "all";
    const wide = mode === "rows" || mode === "all";
    return {
      top: tall ? 0 : rows[0],
      bottom: tall ? store.count - 1 : rows[1],
      left: wide ? 0 : cols[0],
      right: wide ? columns.shown.length - 1 : cols[1],
    };
  }

  /** Whether more than one cell is selected. */
  get isRange() {
    if (this.others.length) return true;
    const { top, bottom, left, right } = this.rect;
    return bottom > top || right > left;
  }

  /** Go to a cell; `extend` stretches the range there instead, `add` keeps the ranges there are. */
  go(row, column, { extend = false, add = false, mode = "cells", reveal = true } = {}) {
    const { store, columns, view } = this.grid;
    if (add) this.#keep();
    else if (!extend) this.others = [];
    this.moves += 1;
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

  /** The ranges as they are, to be given to `restore`. */
  get state() {
    return [...this.others, this].map(({ row, column, toRow, toColumn, mode }) => ({ row, column, toRow, toColumn, mode }));
  }

  /** Select what was selected, now that the rows have moved by `rows`; does not scroll. */
  restore(state, rows) {
    const moved = state.map((range) => ({ ...range, row: Math.max(0, range.row + rows), toRow: Math.max(0, range.toRow + rows) }));
    Object.assign(this, moved.pop());
    this.others = moved;
    this.clamp();
    this.grid.emit("look");
  }

  /** Select whole rows, whole columns or everything, through the present range. */
  widen(mode) {
    this.moves += 1;
    this.mode = mode;
    this.others = mode === "all" ? [] : this.others.map((other) => ({ ...other, mode }));
    this.grid.emit("look");
    this.grid.emit("selection");
  }

  #keep() {
    const { row, column, toRow, toColumn, mode } = this;
    this.others.push({ row, column, toRow, toColumn, mode });
  }

  /** Other columns or rows are shown: what else was selected is no longer the same. */
  #reduce() {
    this.others = [];
    this.clamp();
  }

  /** Take a single cell, row or column out of several ranges; whether it was one of them. */
  drop(row, column, mode) {
    const is = (range) => range.mode === mode && range.row === range.toRow && range.column === range.toColumn
      && (mode === "columns" || range.row === row) && (mode === "rows" || range.column === column);
    const ranges = [...this.others, this];
    const at = ranges.findLastIndex(is);
    if (at < 0 || ranges.length < 2) return false;
    if (ranges[at] === this) Object.assign(this, this.others.pop());
    else this.others.splice(at, 1);
    this.moves += 1;
    this.grid.emit("look");
    this.grid.emit("selection");
    return true;
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
    const add = adds(event);
    const index = Math.max(0, hit.index);
    if (add && this.drop(hit.position, index, mode)) {
      event.preventDefault();
      return;
    }
    this.go(hit.position, index, { extend: event.shiftKey, add, mode, reveal: !hit.head });
    this.grid.focus();
    if (!this.touched) this.#drag(event, mode);
    if (again && !event.shiftKey && !add) this.grid.emit("cell:again", { ...hit, touched: this.touched });
    if (!this.touched) event.preventDefault();
  }

  /** A right click outside the range moves it there first. */
  #toward(hit) {
    const inside = this.rects.some((rect) => holds(rect, hit.position, hit.head ? rect.left : hit.index));
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

/** Whether a press adds a range to those there are. */
export function adds(event) {
  return !event.shiftKey && (isMac ? event.metaKey : event.ctrlKey);
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
