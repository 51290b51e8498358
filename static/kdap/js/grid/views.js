// The view that the grid shows: whether something differs from how it was saved, and saving it.
import { post } from "./api.js";
import { same } from "./filters.js";

const USUAL = { widths: {}, order: [], hidden: [], height: "normal", sums: {} };

/** Compares what is shown with the view, and keeps the links of the page at what is shown. */
export class Views {
  constructor(grid) {
    this.grid = grid;
    this.offer = document.getElementById("grid-view-changed");
    document.addEventListener("click", (event) => this.#click(event), { capture: true });
    document.addEventListener("htmx:configRequest", ({ detail }) => {
      if (detail.verb === "post" && detail.path.startsWith(grid.urls.newView)) {
        detail.parameters.layout = JSON.stringify(grid.columns.state);
      }
    });
    for (const name of ["filters", "columns:rebuilt", "columns:kept"]) grid.on(name, () => this.draw());
  }

  /** The view as it was saved, null outside of all. */
  get kept() {
    return this.grid.data.view;
  }

  /** What is asked for now, as a view keeps it. */
  get question() {
    const { where, sort, search } = this.grid.address();
    return { where: where ? JSON.parse(where) : null, sort: sort ? sort.split(",") : [], search: search ?? "" };
  }

  /** Show whether the view differs from how it was saved, and let links ask for what is shown. */
  draw() {
    const { kept } = this;
    if (kept && this.offer) this.offer.hidden = !this.#differs(kept);
    const { columns } = this.grid;
    const asked = new URLSearchParams(this.grid.address());
    if (columns.shown.length < columns.all.length) {
      asked.set("fields", columns.shown.map((column) => column.field.key).join(","));
    }
    for (const link of document.querySelectorAll("a[data-follows]")) {
      link.search = asked.toString();
    }
  }

  #differs(kept) {
    const asked = { where: this.grid.filters.whole(kept.where), sort: kept.sort, search: kept.search };
    const now = this.grid.columns.state;
    return !same(this.question, asked) || !same({ ...USUAL, ...now }, { ...USUAL, ...kept.layout });
  }

  #click(event) {
    const pressed = event.target.closest?.("[data-view]");
    if (!pressed) return;
    event.preventDefault();
    event.stopPropagation();
    pressed.closest("details")?.removeAttribute("open");
    if (pressed.dataset.view === "new") this.#new();
    if (pressed.dataset.view === "save") this.save();
    if (pressed.dataset.view === "reset") this.reset();
  }

  #new() {
    const asked = new URLSearchParams(window.location.search);
    asked.delete("as_of");
    window.htmx.ajax("GET", `${this.grid.urls.newView}?${asked}`, { target: "#dialog" });
  }

  /** Save what is shown into the view, for everybody who uses it. */
  async save() {
    const { grid, kept, question } = this;
    const layout = structuredClone(grid.columns.state);
    try {
      const { version, undo } = await post(kept.url, { question, layout });
      Object.assign(kept, { version, layout, ...question });
      grid.filters.link();
      this.draw();
      grid.focus();
      grid.tell("The view is saved.", "good", undo && { label: "Undo", run: () => this.#takeBack(undo) });
    } catch (error) {
      grid.failed(error);
    }
  }

  async #takeBack(url) {
    await window.htmx.ajax("POST", url, { swap: "none" });
    window.location.assign(`${window.location.pathname}?view=${this.kept.id}`);
  }

  /** Show the view as it was saved. */
  reset() {
    const { columns, filters } = this.grid;
    columns.state = { ...structuredClone(USUAL), ...structuredClone(this.kept.layout) };
    columns.changed();
    filters.ask(this.kept);
    this.grid.focus();
  }
}
