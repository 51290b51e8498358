// Whole entries: adding, deleting, the menu of a cell.
import { post } from "./api.js";
import { button, confirm, openMenu } from "./dialogs.js";

export const MOST = 10_000;

/** Adds and deletes rows. */
export class Entries {
  constructor(grid) {
    this.grid = grid;
    if (grid.rights.write) {
      this.line = button("Add an entry", "grid-add", () => this.add(), "plus");
      this.line.tabIndex = -1;
      grid.parts.canvas.append(this.line);
      grid.on("draw", () => this.#place());
    }
    grid.parts.scroller.addEventListener("contextmenu", (event) => {
      const hit = grid.render.at(event.target);
      if (!hit || event.target.closest("a")) return;
      event.preventDefault();
      this.menu({ x: event.clientX, y: event.clientY });
    });
    document.addEventListener("entry:added", () => this.#shown());
    document.addEventListener("entry:deleted", () => this.grid.store.reset({ near: this.grid.view.firstSeen }));
  }

  #place() {
    const { view, store } = this.grid;
    this.line.style.transform = `translateY(${view.drawnAt(store.count)}px)`;
    this.line.style.height = `${view.rowHeight}px`;
  }

  /** Add an empty entry at the end, or ask for what it must have. */
  async add() {
    const { grid } = this;
    const must = grid.fields.some((field) => field.required && field.default === null);
    if (must) {
      grid.panel.openNew();
      return;
    }
    await this.addRows([{}]);
  }

  /** Add entries with values; resolves with the rows made. */
  async addRows(rows) {
    const { grid } = this;
    try {
      const answer = await post(grid.urls.add, { rows });
      await grid.store.append(answer.rows);
      const refused = answer.refused.filter((item) => item.entry_id);
      const given = refused.map((item) => ({ entry_id: item.entry_id, values: rows[item.row] }));
      grid.edits.take({ ...answer, refused }, given);
      const lost = answer.refused.filter((item) => item.whole);
      if (lost.length) grid.tell(`${lost.length} rows could not be added. ${lost[0].detail}`, "bad");
      if (answer.rows.length) {
        grid.tell(answer.rows.length === 1 ? "Entry added" : `${answer.rows.length.toLocaleString("en")} entries added`);
        grid.selection.go(grid.store.count - answer.rows.length, grid.selection.column);
      }
      grid.emit("written");
      return answer.rows;
    } catch (error) {
      grid.failed(error);
      return [];
    }
  }

  /** An entry made in the panel: show the end, where it stands. */
  async #shown() {
    const { store, selection } = this.grid;
    await store.reset({ near: Math.max(0, store.count - 1) });
    selection.go(Infinity, 0);
  }

  /** Delete the selected entries, after asking. */
  async remove() {
    const { grid } = this;
    const { top, bottom } = grid.selection.rect;
    if (!grid.store.count || !grid.mayWorkOn(top, bottom)) return;
    const many = bottom - top + 1;
    const what = many === 1 ? "this entry" : `${many.toLocaleString("en")} entries`;
    const sure = await confirm({
      title: `Delete ${what}?`,
      text: "They leave the table; the record’s history keeps them.",
      label: "Delete",
      kind: "danger",
    });
    if (!sure) return;
    const rows = await grid.store.gather(top, bottom);
    try {
      const { deleted } = await post(grid.urls.delete, { ids: rows.filter(Boolean).map((row) => row[0]) });
      grid.store.count -= deleted;
      grid.selection.go(top, grid.selection.column);
      grid.tell(deleted === 1 ? "Entry deleted" : `${deleted.toLocaleString("en")} entries deleted`);
      await grid.store.reset({ near: grid.view.firstSeen });
      grid.emit("written");
    } catch (error) {
      grid.failed(error);
    }
  }

  /** Show what can be done with the selected cells. */
  menu(place) {
    const { grid } = this;
    const { selection, rights } = grid;
    const { top, bottom } = selection.rect;
    const cell = grid.render.cellAt(selection.row, selection.column)?.element;
    const many = bottom - top + 1;
    const write = [
      { label: "Cut", icon: "copy", keys: "Ctrl X", run: () => grid.clipboard.cut() },
      { label: "Paste", icon: "clipboard", keys: "Ctrl V", run: () => grid.clipboard.read() },
      { label: "Empty", icon: "circle-minus", keys: "Del", run: () => grid.edits.clear() },
      null,
      { label: "Add an entry", icon: "row-insert-bottom", keys: "Shift ↵", run: () => this.add() },
      {
        label: many === 1 ? "Delete the entry" : `Delete ${many.toLocaleString("en")} entries`,
        icon: "trash", danger: true, run: () => this.remove(),
      },
    ];
    openMenu(place ?? cell ?? grid.parts.scroller, [
      { label: "Open the entry", icon: "arrows-maximize", keys: "Space", run: () => grid.panel.open() },
      null,
      { label: "Copy", icon: "copy", keys: "Ctrl C", run: () => grid.clipboard.copy() },
      ...(rights.write ? write : []),
    ]);
  }
}
