// The line of buttons above the grid.
import { icon } from "../toast.js";
import { Columns } from "./columns.js";
import { button, moveTo, openMenu, part } from "./dialogs.js";
import { openHelp } from "./help.js";
import { KEYS } from "./keyboard.js";

const HEIGHTS = { short: "Short", normal: "Normal", tall: "Tall", extra: "Extra tall" };

/** Buttons marked data-grid="…" in the page; each names what it opens. */
export class Toolbar {
  constructor(grid) {
    this.grid = grid;
    this.bar = document.getElementById("grid-bar");
    this.bar.addEventListener("click", (event) => {
      const pressed = event.target.closest("[data-grid]");
      if (pressed) this[pressed.dataset.grid](pressed);
    });
    this.#searching();
    grid.on("filters", () => this.#count());
    grid.on("columns:rebuilt", () => this.#count());
    this.#count();
    this.#emptiness();
  }

  /** What one can do while there are no entries; gone with the first. */
  #emptiness() {
    const empty = document.getElementById("grid-empty");
    if (!empty) return;
    empty.addEventListener("click", (event) => {
      const pressed = event.target.closest("[data-empty]")?.dataset.empty;
      if (pressed === "add") this.grid.entries.add();
      if (pressed === "paste") this.grid.clipboard.read();
    });
    this.grid.on("extent", () => { empty.hidden = this.grid.store.count > 0; });
  }

  filter(anchor) {
    this.grid.filters.builder.open(anchor);
  }

  sort(anchor) {
    this.grid.filters.sorting.open(anchor);
  }

  add() {
    this.grid.entries.add();
  }

  keys() {
    openHelp(KEYS);
  }

  height(anchor) {
    const { columns } = this.grid;
    openMenu(anchor, [{ title: "Height of rows" }, ...Columns.heights.map((name) => ({
      label: HEIGHTS[name], checked: columns.state.height === name, run: () => columns.setHeight(name),
    }))]);
  }

  /** Show and hide columns. */
  fields(anchor) {
    const { columns, fields } = this.grid;
    const popover = part("div", "grid-popover grid-fields");
    popover.popover = "auto";
    popover.setAttribute("role", "dialog");
    popover.setAttribute("aria-label", "Fields");
    popover.addEventListener("toggle", (event) => { if (event.newState === "closed") popover.remove(); });
    for (const { field } of columns.all) {
      const label = part("label", "check");
      const input = part("input", "switch");
      input.type = "checkbox";
      input.checked = !columns.state.hidden.includes(field.id);
      input.addEventListener("change", () => {
        columns.toggle(field, input.checked);
        input.checked = !columns.state.hidden.includes(field.id);
      });
      label.append(input, icon(field.icon), part("span", "truncate", field.label));
      popover.append(label);
    }
    const all = part("div", "filter-add");
    all.append(button("Show all", "btn btn-quiet btn-sm", () => {
      for (const field of fields) columns.state.hidden = columns.state.hidden.filter((id) => id !== field.id);
      columns.changed();
      popover.hidePopover();
    }));
    popover.append(all);
    document.body.append(popover);
    popover.showPopover();
    moveTo(popover, anchor);
    popover.querySelector("input")?.focus();
  }

  /** Go to the search. */
  search() {
    this.input.focus();
    this.input.select();
  }

  #searching() {
    const form = this.bar.querySelector("form.search");
    this.input = form.querySelector("input[type=search]");
    this.input.value = this.grid.filters.search;
    let timer = 0;
    const go = () => {
      clearTimeout(timer);
      this.grid.filters.searchFor(this.input.value);
    };
    this.input.addEventListener("input", () => {
      clearTimeout(timer);
      timer = setTimeout(go, 300);
    });
    this.input.addEventListener("keydown", (event) => {
      if (event.key === "Escape" || event.key === "ArrowDown") this.grid.focus();
    });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      go();
      this.grid.focus();
    });
  }

  /** Say on the buttons how many filters, sorts and hidden fields there are. */
  #count() {
    const { filters, columns } = this.grid;
    const hidden = columns.all.length - columns.shown.length;
    this.#say("filter", filters.complete().length);
    this.#say("sort", filters.sorts.length);
    this.#say("fields", hidden, hidden ? ` hidden` : "");
  }

  #say(name, count, after = "") {
    const pressed = this.bar.querySelector(`[data-grid="${name}"]`);
    const badge = pressed?.querySelector(".badge");
    if (!badge) return;
    badge.hidden = !count;
    badge.textContent = `${count}${after}`;
    pressed.classList.toggle("is-on", Boolean(count));
  }
}
