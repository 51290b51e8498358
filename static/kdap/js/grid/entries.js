// Whole entries: adding, deleting, the menu of a cell.
import { get, post } from "./api.js";
import { button, confirm, openMenu, part } from "./dialogs.js";

export const MOST = 10_000;
// Up to so many entries are deleted without asking: it is undone as easily.
const FEW = 5;

/** Adds and deletes rows. */
export class Entries {
  constructor(grid) {
    this.grid = grid;
    if (grid.rights.write) {
      this.line = button("Add an entry", "grid-add", () => this.add(), "plus");
      this.line.tabIndex = -1;
      this.line.setAttribute("role", "gridcell");
      const row = part("div");
      row.setAttribute("role", "row");
      row.append(this.line);
      grid.parts.canvas.append(row);
      grid.on("draw", () => this.#place());
    }
    grid.parts.scroller.addEventListener("contextmenu", (event) => {
      const hit = grid.render.at(event.target);
      if (!hit || event.target.closest("a")) return;
      event.preventDefault();
      this.menu({ x: event.clientX, y: event.clientY });
    });
    document.addEventListener("entry:added", (event) => this.#shown(event.detail.id));
    document.addEventListener("entry:deleted", () => this.grid.store.reset({ near: this.grid.view.firstSeen }));
  }

  #place() {
    const { view, store } = this.grid;
    this.line.style.transform = `translateY(${view.drawnAt(store.count)}px)`;
    this.line.style.height = `${view.rowHeight}px`;
  }

  /** Add an empty entry where the order shows it, or ask for what it must have. */
  async add() {
    const { grid } = this;
    const must = grid.fields.some((field) => field.required && field.default === null);
    if (must) {
      grid.panel.openNew();
      return;
    }
    await grid.edits.write([], { rows: [{}], did: "added" });
  }

  /** Show the entries that an answer says were added; `count` rows in all were `did` with them. */
  async take(answer, count, did) {
    const { grid } = this;
    const { added, hidden = 0 } = answer;
    const lost = answer.refused.filter((item) => !item.entry_id && item.whole);
    if (lost.length) grid.tell(`${lost.length} rows could not be added. ${lost[0].detail}`, "bad");
    const isNew = new Set(added);
    const moved = "position" in answer;
    if (moved || answer.gone.length) await grid.store.reset({ near: answer.position ?? grid.view.firstSeen });
    else if (added.length) await grid.store.append(answer.rows.filter(([id]) => isNew.has(id)));
    if (answer.changed || added.length) this.#tellAdded(count - lost.length, hidden, [answer.operation], did);
    const position = moved ? answer.position : grid.store.count - added.length;
    if (added.length && position !== null) this.#goTo(position);
    grid.focus();
  }

  #tellAdded(count, hidden, operations, did = "added") {
    const { grid } = this;
    const [one, many] = did === "added" ? ["Entry", "entries"] : ["1 row", "rows"];
    const what = count === 1 ? one : `${count.toLocaleString("en")} ${many}`;
    const all = count === 1 ? "it" : "them";
    const which = hidden === count ? all : `${hidden.toLocaleString("en")} of them`;
    if (hidden) grid.did(operations, `${what} ${did}, but the ${grid.filters.narrowing} hides ${which}.`, "warn");
    else grid.did(operations, `${what} ${did}`);
  }

  /** Go to a row that was just made, in a cell that can be filled in. */
  #goTo(position) {
    const { selection, columns } = this.grid;
    const computed = selection.field?.computed;
    const first = columns.shown.findIndex((column) => !column.field.computed);
    selection.go(position, computed ? Math.max(0, first) : selection.column);
  }

  /** An entry made in the panel: go to where the order shows it. */
  async #shown(id) {
    const { grid } = this;
    try {
      const { position } = await get(grid.urls.place, { ...grid.address(), entry: id });
      if (position === null) this.#tellAdded(1, 1, []);
      await grid.store.reset({ near: position ?? grid.view.firstSeen });
      if (position !== null) this.#goTo(position);
      grid.focus();
    } catch (error) {
      grid.failed(error);
    }
  }

  /** Delete the selected entries; many only after asking. */
  async remove() {
    const { grid } = this;
    const { spans, rowCount: many } = grid.selection;
    if (!grid.store.count || !grid.mayWorkOn(spans)) return;
    const sure = many <= FEW || await confirm({
      title: `Delete ${many.toLocaleString("en")} entries?`,
      text: "They leave the table. Undo brings them back.",
      label: "Delete",
      kind: "danger",
    });
    if (!sure) return;
    const rows = await grid.store.gatherAll(spans);
    try {
      const { deleted, operation } = await post(grid.urls.delete, { ids: rows.map((row) => row[0]) });
      grid.store.count -= deleted;
      grid.selection.go(spans[0][0], grid.selection.column);
      grid.did([operation], deleted === 1 ? "Entry deleted" : `${deleted.toLocaleString("en")} entries deleted`);
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
    const cell = grid.render.cellAt(selection.row, selection.column)?.element;
    const many = selection.rowCount;
    const write = [
      { label: "Cut", icon: "copy", keys: "Ctrl X", run: () => grid.clipboard.cut() },
      { label: "Paste", icon: "clipboard", keys: "Ctrl V", run: () => grid.clipboard.read() },
      { label: "Empty", icon: "circle-minus", keys: "Del", run: () => grid.edits.clear() },
      ...(grid.agents.mayFill(selection.field)
        ? [{ label: "Fill in by an agent…", icon: "robot", keys: "Ctrl E", run: () => grid.agents.fill() }] : []),
      ...grid.buttons.forMenu(),
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
