// A grid that shows the past: what is selected there can be brought back.

// More entries than this don't fit in an address; a field or everything still does.
const MOST = 1000;

/** Opens the dialog that brings back the selected cells, entries or fields. */
export class Past {
  constructor(grid) {
    this.grid = grid;
    this.bar = document.getElementById("grid-past");
    this.bar?.addEventListener("click", (event) => {
      const pressed = event.target.closest("[data-past]");
      if (!pressed) return;
      this.bar.querySelector("details").open = false;
      this.#ask(pressed.dataset.past, pressed.parentElement.dataset.address);
    });
  }

  async #ask(what, address) {
    const params = new URLSearchParams();
    if (what !== "entries") params.set("fields", this.#fields().join(","));
    if (what !== "fields") {
      const ids = await this.#ids();
      if (!ids) return;
      params.set("ids", ids.join(","));
    }
    window.htmx.ajax("GET", `${address}&${params}`, { target: "#dialog" });
  }

  #fields() {
    const { columns, selection } = this.grid;
    const chosen = new Set();
    for (const { left, right } of selection.rects) {
      for (const { field } of columns.shown.slice(left, right + 1)) if (!field.computed) chosen.add(field.key);
    }
    return [...chosen];
  }

  async #ids() {
    const { selection, store } = this.grid;
    if (selection.rowCount > MOST) {
      this.grid.tell(`At most ${MOST.toLocaleString("en")} entries can be picked. Bring back a field, or everything.`, "warn");
      return null;
    }
    const rows = [];
    for (const [first, last] of selection.spans) rows.push(...await store.gather(first, last));
    return rows.map((row) => row[0]);
  }
}
