// The popover that orders rows by several fields.
import { button, moveTo, part } from "./dialogs.js";

/** Edits the sorts of a Filters. */
export class SortMenu {
  constructor(grid, filters) {
    this.grid = grid;
    this.filters = filters;
  }

  /** Open the popover at an element. */
  open(anchor) {
    this.element?.remove();
    this.element = part("div", "grid-popover");
    this.element.popover = "auto";
    this.element.setAttribute("role", "dialog");
    this.element.setAttribute("aria-label", "Sort");
    this.element.addEventListener("toggle", (event) => {
      if (event.newState === "closed") event.target.remove();
    });
    document.body.append(this.element);
    this.anchor = anchor;
    this.#draw();
    this.element.showPopover();
    moveTo(this.element, anchor);
    this.element.querySelector("select, button")?.focus();
  }

  #draw() {
    const sorts = [...this.filters.sorts];
    const lines = sorts.map((key, index) => this.#line(sorts, key, index));
    this.element.replaceChildren(...lines, this.#adder(sorts));
    if (this.element.matches(":popover-open")) moveTo(this.element, this.anchor);
  }

  #set(sorts) {
    this.filters.sortBy(sorts);
    this.#draw();
  }

  #sortable(but = []) {
    return this.grid.fields.filter((field) => field.sortable && !but.includes(field.key));
  }

  #line(sorts, key, index) {
    const plain = key.replace(/^-/, "");
    const down = key.startsWith("-");
    const line = part("div", "filter-line");
    const others = sorts.filter((_, at) => at !== index).map((item) => item.replace(/^-/, ""));
    const fields = part("select", "input input-sm");
    fields.setAttribute("aria-label", "Field to sort by");
    for (const field of this.#sortable(others)) {
      const option = part("option", "", field.label);
      option.value = field.key;
      option.selected = field.key === plain;
      fields.append(option);
    }
    const put = (name, descending) => this.#set(sorts.with(index, `${descending ? "-" : ""}${name}`));
    fields.addEventListener("change", () => put(fields.value, down));
    const ways = part("div", "segments");
    for (const [label, descending] of [["Ascending", false], ["Descending", true]]) {
      const way = button(label, "", () => put(plain, descending));
      way.setAttribute("aria-pressed", String(down === descending));
      ways.append(way);
    }
    const remove = button("", "btn btn-quiet btn-icon btn-sm", () => this.#set(sorts.toSpliced(index, 1)), "trash", "Remove");
    line.append(part("span", "filter-word", index ? "then by" : "Sort by"), fields, ways, remove);
    return line;
  }

  #adder(sorts) {
    const left = this.#sortable(sorts.map((key) => key.replace(/^-/, "")));
    const row = part("div", "filter-add");
    if (left.length) {
      row.append(button(sorts.length ? "Then by another field" : "Sort by a field", "btn btn-quiet btn-sm", () => {
        this.#set([...sorts, left[0].key]);
      }, "plus"));
    }
    return row;
  }
}
