// Workflows that people start on the entries they selected: in the menu of a cell, in the line below
// the table, and by Ctrl+Enter.
import { get } from "./api.js";
import { button, openMenu } from "./dialogs.js";

const MOST = 1000;
// So many stand in the menu of a cell by themselves.
const FEW = 3;
// When it is looked whether runs failed, in seconds after the last look.
const LOOKS = [1, 2, 4, 8, 15];

/** Offers what the server says may be pressed on entries of this record. */
export class Buttons {
  constructor(grid) {
    this.grid = grid;
    this.line = button("Run…", "btn btn-quiet btn-sm grid-run", () => this.open(this.line), "hand-click");
    this.line.hidden = true;
    grid.parts.status.append(this.line);
    grid.on("selection", () => this.#offer());
    grid.on("fields", () => this.#offer());
    document.addEventListener("runs:started", (event) => this.#watch(event.detail));
  }

  /** What may be pressed: [{label, url}]. */
  get all() {
    return this.grid.rights.write ? this.grid.data.buttons : [];
  }

  /** Items for the menu of a cell. */
  forMenu() {
    const { all } = this;
    if (!all.length || !this.grid.store.count) return [];
    if (all.length <= FEW) return all.map((item) => this.#item(item));
    return [{ label: "Run a workflow…", icon: "hand-click", keys: "Ctrl ↵", run: () => this.open() }];
  }

  /** Show what may be run on the selected entries. */
  open(place = null) {
    const { grid, all } = this;
    if (!grid.store.count) return;
    if (!all.length) {
      grid.tell("No workflow has a button for these entries.", "info");
      return;
    }
    const { row, column } = grid.selection;
    const anchor = place ?? grid.render.cellAt(row, column)?.element ?? grid.parts.scroller;
    openMenu(anchor, [{ title: `Run on ${this.#which()}` }, ...all.map((item) => this.#item(item, item.label))]);
  }

  #item(item, label = `Run “${item.label}”`) {
    return { label, icon: "hand-click", run: () => this.press(item) };
  }

  #which() {
    const many = this.grid.selection.rowCount;
    return many === 1 ? "this entry" : `${many.toLocaleString("en")} entries`;
  }

  /** Run one of them on the selected entries; the server asks first when they are many. */
  async press({ url }) {
    const { grid } = this;
    const { spans, rowCount } = grid.selection;
    if (rowCount > MOST) {
      grid.tell(`A workflow is run on at most ${MOST.toLocaleString("en")} entries at a time. Select fewer.`, "warn");
      return;
    }
    try {
      const rows = await grid.store.gatherAll(spans);
      await grid.edits.line;
      const entries = rows.map((row) => row[0]).join(",");
      await window.htmx.ajax("POST", url, { target: "#dialog", values: { entries } });
    } catch (error) {
      grid.failed(error);
    }
  }

  #offer() {
    const { selection, store } = this.grid;
    const chosen = selection.rowCount > 1 || selection.picksRows;
    this.line.hidden = !(chosen && store.count && this.all.length);
    if (!this.line.hidden) this.line.lastChild.textContent = `Run on ${this.#which()}…`;
  }

  /** Look some times whether runs that were started here fail, and say so. */
  async #watch({ url, link }) {
    for (const seconds of LOOKS) {
      await new Promise((resolve) => { setTimeout(resolve, seconds * 1000); });
      let told;
      try {
        told = await get(url);
      } catch {
        return; // the runs' own page tells it
      }
      if (told.going) continue;
      if (told.failed) {
        const run = () => window.location.assign(link.url);
        this.grid.tell(told.said, "bad", { label: link.label, run });
      }
      return;
    }
  }
}
