// Opens the right editor over a cell, and hands what was typed to the edits.
import { textOf } from "./cells.js";
import { makeEditor } from "./editor_kinds.js";

/** At most one editor is open; it floats over its cell and follows it. */
export class Editors {
  constructor(grid) {
    this.grid = grid;
    this.open_ = null;
    grid.on("draw", () => this.#follow());
    grid.on("rows", () => this.#follow());
    grid.on("cell:again", (hit) => this.#again(hit));
  }

  /** Edit the active cell; `replace` is the character typed in place of what was there. */
  async open({ replace } = {}) {
    const { grid } = this;
    const { row: position, column: index, field } = grid.selection;
    if (!grid.store.row(position)) await grid.store.need(position, position);
    const row = grid.store.row(position);
    if (!row || !field || this.open_ || !this.#may(field)) return;
    grid.view.reveal(position, index);
    const value = row[grid.columns.shown[index].at];
    if (field.editor === "boolean") {
      this.#toggle(position, field, value, replace);
      return;
    }
    const mark = grid.edits.markOf(row[0], field.key);
    const text = mark?.text ?? textOf(value, field, grid);
    const seen = { value, version: row[1], id: row[0] };
    const editor = makeEditor({ grid, field, value, text, replace, done: (how) => this.close(how) });
    this.open_ = { editor, field, position, index, seen, quick: replace !== undefined };
    this.#show(editor);
  }

  #may(field) {
    if (!this.grid.rights.write) return false;
    if (field.computed) this.grid.tell(`“${field.label}” is filled by KDAP.`, "info");
    return !field.computed;
  }

  #toggle(position, field, value, replace) {
    const words = { y: true, x: true, 1: true, n: false, 0: false };
    if (replace !== undefined && !(replace.toLowerCase() in words)) return;
    const next = replace === undefined ? !value : words[replace.toLowerCase()];
    this.grid.edits.write([{ position, key: field.key, value: next }]);
  }

  /** A second click on the active cell ticks a box; a second tap edits whatever is there. */
  #again({ head, touched }) {
    const { field } = this.grid.selection;
    if (!head && (touched || field?.editor === "boolean")) this.open();
  }

  #show(editor) {
    const layer = document.createElement("div");
    layer.className = `cell-editor is-${this.open_.field.editor}`;
    layer.popover = "manual";
    layer.append(editor.element);
    layer.addEventListener("keydown", (event) => this.#press(event));
    layer.addEventListener("focusout", (event) => {
      if (!layer.contains(event.relatedTarget) && layer.isConnected) this.close({ commit: true, stay: true });
    });
    this.layer = layer;
    this.grid.parts.scroller.after(layer);
    layer.showPopover();
    this.#follow();
    editor.focus();
  }

  /** Stay over the cell while the rows move beneath. */
  #follow() {
    if (!this.open_) return;
    const { layer, grid } = this;
    this.open_.position = grid.store.placeOf(this.open_.seen.id) ?? this.open_.position;
    const cell = grid.render.cellAt(this.open_.position, this.open_.index)?.element;
    layer.classList.toggle("is-away", !cell);
    if (!cell) return;
    const box = cell.getBoundingClientRect();
    const frame = grid.parts.scroller.getBoundingClientRect();
    const seen = box.bottom > frame.top + grid.view.top && box.top < frame.bottom;
    layer.classList.toggle("is-away", !seen);
    layer.style.setProperty("--cell-width", `${box.width + 1}px`);
    layer.style.setProperty("--cell-height", `${box.height + 1}px`);
    const width = Math.max(box.width, layer.offsetWidth);
    layer.style.left = `${Math.max(4, Math.min(box.left - 1, window.innerWidth - width - 4))}px`;
    const up = box.top + layer.offsetHeight > window.innerHeight - 4;
    layer.classList.toggle("is-up", up && this.open_.editor.hasList);
    layer.style.top = `${up ? Math.max(4, box.bottom - layer.offsetHeight) : box.top - 1}px`;
  }

  #press(event) {
    if (event.isComposing) return;
    const { editor, quick } = this.open_ ?? {};
    if (!editor || editor.press?.(event)) return;
    event.stopPropagation();
    const way = this.#wayOf(event, quick);
    if (!way) return;
    event.preventDefault();
    this.close(way);
  }

  #wayOf(event, quick) {
    const { key, shiftKey } = event;
    if (key === "Escape") return { commit: false };
    if (key === "Enter") return { commit: true, rows: shiftKey ? -1 : 1 };
    if (key === "Tab") return { commit: true, columns: shiftKey ? -1 : 1 };
    const arrows = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };
    if (quick && arrows[key]) return { commit: true, rows: arrows[key][0], columns: arrows[key][1] };
    return null;
  }

  /** Close the editor; with `commit` what was typed is written. Then step on, or stay where one clicked. */
  close({ commit = false, rows = 0, columns = 0, stay = false } = {}) {
    const { open_: open, grid, layer } = this;
    if (!open) return;
    this.open_ = null;
    const value = commit ? open.editor.read() : undefined;
    layer.remove();
    if (value !== undefined) {
      grid.edits.write([{ key: open.field.key, value, seen: open.seen }]);
    }
    if (stay) return;
    grid.focus();
    if (rows || columns) grid.selection.step(rows, columns);
  }
}
