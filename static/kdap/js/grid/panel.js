// One entry with all its fields, beside the grid. The form is the server's own page of the entry.
import { get } from "./api.js";

/** Opens entries in the panel and keeps the grid in step with what is saved there. */
export class Panel {
  constructor(grid) {
    this.grid = grid;
    this.element = document.getElementById("panel");
    this.element.addEventListener("click", (event) => this.#click(event));
    this.element.addEventListener("keydown", (event) => this.#press(event));
    document.addEventListener("entry:saved", (event) => this.#saved(event.detail.id));
    document.addEventListener("entry:added", () => this.close());
    document.addEventListener("entry:deleted", () => this.close());
    grid.parts.scroller.addEventListener("click", (event) => {
      if (event.target.closest(".grid-open")) this.open(grid.render.at(event.target)?.position);
    });
    grid.on("selection", () => this.#followSelection());
    grid.on("others", (ids) => {
      const changed = this.isOpen && this.id && (!ids || ids.has(this.id));
      if (changed && !this.#isTouched()) this.#turn(this.id);
    });
  }

  /** Whether the panel is open. */
  get isOpen() {
    return !this.element.hidden;
  }

  /** Open the entry at a position, the active one without. */
  async open(position = this.grid.selection.row) {
    await this.grid.store.need(position, position);
    const row = this.grid.store.row(position);
    if (!row) return;
    if (position !== this.grid.selection.row) {
      this.grid.selection.go(position, this.grid.selection.column, { reveal: false });
    }
    const { asOf } = this.grid.data;
    this.#load(row[0], `${this.grid.urls.entry}${row[0]}/${asOf ? `?as_of=${asOf}` : ""}`);
  }

  /** Open the form of a new entry. */
  openNew() {
    this.#load(null, this.grid.urls.newEntry);
  }

  async #load(id, url) {
    this.id = id;
    this.element.hidden = false;
    await window.htmx.ajax("GET", url, { target: this.element });
    if (this.id !== id) return;
    this.element.querySelector("h2")?.focus({ preventScroll: true });
  }

  /** Close the panel and give the keyboard back to the grid. */
  close() {
    if (!this.isOpen) return;
    this.element.hidden = true;
    this.element.replaceChildren();
    this.id = undefined;
    this.grid.focus();
  }

  #click(event) {
    const pressed = event.target.closest("[data-panel]")?.dataset.panel;
    if (pressed === "close") {
      event.preventDefault();
      this.close();
    }
    const step = { next: 1, previous: -1 }[pressed];
    if (step) {
      this.grid.selection.step(step, 0);
    }
  }

  #press(event) {
    if (event.key === "Escape") this.close();
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
      this.element.querySelector("form")?.requestSubmit();
    }
  }

  /** Moving in the grid turns the panel's page, unless something in it is not saved. */
  #followSelection() {
    if (!this.isOpen || this.id === null) return;
    const row = this.grid.store.row(this.grid.selection.row);
    if (!row || row[0] === this.id || this.#isTouched()) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#turn(row[0]), 150);
  }

  async #turn(id) {
    const inside = this.element.contains(document.activeElement);
    this.id = id;
    await window.htmx.ajax("GET", `${this.grid.urls.entry}${id}/`, { target: this.element });
    if (inside) this.element.querySelector("h2")?.focus({ preventScroll: true });
  }

  #isTouched() {
    const inputs = this.element.querySelectorAll("input, textarea, select");
    return [...inputs].some((input) => {
      if (input.type === "checkbox" || input.type === "radio") return input.checked !== input.defaultChecked;
      if (input.options) return [...input.options].some((option) => option.selected !== option.defaultSelected);
      return input.value !== input.defaultValue;
    });
  }

  /** The panel saved an entry: fetch its row again, and the panel's own newest version. */
  async #saved(id) {
    const { grid } = this;
    const where = JSON.stringify({ field: "entry_id", op: "is", value: id });
    try {
      const { rows } = await get(grid.urls.rows, { where, block: 0, v: grid.version });
      grid.store.replace(rows);
      grid.emit("written");
    } catch (error) {
      grid.failed(error);
    }
    if (this.id === id) await this.#turn(id);
  }
}
