// Asking an agent for the values of a field: what is selected goes to the server's dialog.
const MOST = 200;

/** Opens the dialog in which an agent is chosen; there is none where nobody may ask. */
export class Agents {
  constructor(grid) {
    this.grid = grid;
    this.url = grid.root.dataset.fill;
  }

  /** Whether an agent may be asked about a field here. */
  mayFill(field) {
    return Boolean(this.url && this.grid.rights.write && field && !field.computed);
  }

  /** Ask about the selected entries, for the field of the active cell. */
  async fill() {
    const { grid } = this;
    const { field, spans, rowCount } = grid.selection;
    if (!this.url || !grid.rights.write || !field || !grid.store.count) return;
    if (field.computed) {
      grid.tell(`“${field.label}” is filled by KDAP itself.`, "warn");
      return;
    }
    if (rowCount > MOST) {
      grid.tell(`An agent is asked about at most ${MOST} entries at a time. Select fewer.`, "warn");
      return;
    }
    const rows = await grid.store.gatherAll(spans);
    await grid.edits.line;
    this.#ask({ field: field.id, entries: rows.map((row) => row[0]).join(",") });
  }

  /** Ask about the entries that are found in which a field is empty. */
  async fillEmpty(field) {
    await this.grid.edits.line;
    this.#ask({ ...this.grid.address(), field: field.id });
  }

  #ask(asked) {
    window.htmx.ajax("GET", `${this.url}?${new URLSearchParams(asked)}`, { target: "#dialog" });
  }
}
