// The small square at the corner of the selection: drag it and the cells below follow.
import { part } from "./dialogs.js";
import { follow } from "./pointer.js";
import { dragger } from "./selection.js";
import { today } from "./words.js";

/** Fills ranges from their first cells. */
export class Fill {
  constructor(grid) {
    this.grid = grid;
    if (!grid.rights.write) return;
    this.handle = part("div", "grid-fill");
    this.handle.title = "Drag to fill";
    this.handle.addEventListener("pointerdown", (event) => this.#begin(event));
    grid.on("draw", () => this.#place());
    grid.on("look", () => this.#place());
  }

  /** Keep the handle in the last cell of the selection. */
  #place() {
    const { rect } = this.grid.selection;
    const cell = this.grid.render.cellAt(rect.bottom, rect.right)?.element;
    const { mode, others } = this.grid.selection;
    if (!cell || mode !== "cells" || others.length) this.handle.remove();
    else if (this.handle.parentElement !== cell) cell.append(this.handle);
  }

  #begin(event) {
    const { grid } = this;
    event.preventDefault();
    event.stopPropagation();
    const source = { ...grid.selection.rect };
    const over = dragger(grid, ({ position }) => {
      grid.selection.go(source.top, source.left, { reveal: false });
      grid.selection.go(Math.max(source.bottom, position), source.right, { extend: true, reveal: false });
    });
    follow(event, over.move, () => {
      over.stop();
      const { bottom } = grid.selection.rect;
      if (bottom > source.bottom) this.#fill(source, source.bottom + 1, bottom);
    });
  }

  /** Fill each selected range with its first row. */
  async down() {
    const { rects, spans } = this.grid.selection;
    if (!this.grid.mayWorkOn(spans)) return;
    await this.grid.store.gatherAll(spans);
    const tall = rects.filter(({ top, bottom }) => bottom > top);
    this.grid.edits.write(tall.flatMap((rect) => this.#continued({ ...rect, bottom: rect.top }, rect.top + 1, rect.bottom)), { did: "filled" });
  }

  /** Fill each selected range with its first column. */
  async right() {
    const { rects, spans } = this.grid.selection;
    if (!this.grid.mayWorkOn(spans)) return;
    await this.grid.store.gatherAll(spans);
    this.grid.edits.write(rects.flatMap((rect) => this.#rightwards(rect)), { did: "filled" });
  }

  #rightwards({ top, bottom, left, right }) {
    const { grid } = this;
    const cells = [];
    for (let position = top; position <= bottom; position++) {
      const value = grid.render.text(position, left) || null;
      for (const { field } of grid.columns.shown.slice(left + 1, right + 1)) {
        if (!field.computed) cells.push({ position, key: field.key, value });
      }
    }
    return cells;
  }

  /** Continue the rows of `source` from position `from` to `to`. */
  async #fill(source, from, to) {
    const { grid } = this;
    if (!grid.mayWorkOn([[source.top, to]])) return;
    await grid.store.gather(source.top, to);
    grid.edits.write(this.#continued(source, from, to), { did: "filled" });
  }

  /** The cells from position `from` to `to` with what continues `source`. */
  #continued(source, from, to) {
    const { grid } = this;
    const cells = [];
    for (const { field, at } of grid.columns.shown.slice(source.left, source.right + 1)) {
      if (field.computed) continue;
      const values = [];
      for (let position = source.top; position <= source.bottom; position++) values.push(grid.store.row(position)[at]);
      const next = series(values, field);
      for (let position = from; position <= to; position++) {
        cells.push({ position, key: field.key, value: next(position - from) });
      }
    }
    return cells;
  }
}

/** Return a function from 0, 1, 2, … to the values that continue `values`. */
function series(values, field) {
  const repeat = (index) => values[index % values.length];
  if (values.length < 2 || values.some((value) => value === null)) return repeat;
  if (field.editor === "date") {
    const days = values.map((day) => Math.round(Date.parse(`${day}T00:00Z`) / 86_400_000));
    const now = Math.round(Date.parse(`${today()}T00:00Z`) / 86_400_000);
    return evenly(days, (day) => today(day - now)) ?? repeat;
  }
  if (field.editor !== "number") return repeat;
  const scale = Math.max(...values.map((value) => (String(value).split(".")[1] ?? "").length));
  return evenly(values.map(Number), (number) => number.toFixed(scale)) ?? repeat;
}

function evenly(numbers, write) {
  const step = numbers[1] - numbers[0];
  const even = numbers.every((number, index) => !index || Math.abs(number - numbers[index - 1] - step) < 1e-9);
  return even ? (index) => write(numbers.at(-1) + step * (index + 1)) : null;
}
