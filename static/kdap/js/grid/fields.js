// The menu of a field, and the server's dialogs by which its structure is changed.
import { openMenu } from "./dialogs.js";

/** Opens what changes a field; takes the new structure over when it was changed. */
export class Fields {
  constructor(grid) {
    this.grid = grid;
    document.addEventListener("structure:changed", () => grid.renew());
  }

  #dialog(url) {
    window.htmx.ajax("GET", url, { target: "#dialog" });
  }

  /** Add a field; `position` is its place among all fields, the end without. */
  add(position = null) {
    const { newField } = this.grid.urls;
    this.#dialog(position === null ? newField : `${newField}?position=${position}`);
  }

  /** Change a field's name, type and rules. */
  edit(field) {
    this.#dialog(`${this.grid.urls.field}${field.id}/`);
  }

  /** Show the menu of the shown column at `index`. */
  menu(index, anchor = this.grid.head.cell(index)) {
    const { grid } = this;
    const column = grid.columns.shown[index];
    if (!column) return;
    openMenu(anchor ?? grid.parts.head, [...this.#looks(column), ...this.#changes(column)]);
  }

  #looks({ field }) {
    const { grid } = this;
    const { filters, columns } = grid;
    const items = [];
    if (field.sortable) {
      items.push(
        { label: "Sort ascending", icon: "sort-ascending", run: () => filters.sortBy([field.key]) },
        { label: "Sort descending", icon: "sort-descending", run: () => filters.sortBy([`-${field.key}`]) },
      );
    }
    items.push(
      { label: "Filter by this field", icon: "filter", run: () => filters.begin(field) },
      { label: "Hide", icon: "eye-off", run: () => columns.toggle(field, false) },
    );
    if (grid.agents.mayFill(field)) {
      items.push({ label: "Fill empty cells by an agent…", icon: "robot", run: () => grid.agents.fillEmpty(field) });
    }
    return items;
  }

  #changes({ field }) {
    const { grid } = this;
    if (!grid.rights.structure) return [];
    const place = grid.fields.indexOf(field);
    return [
      null,
      { label: "Edit the field", icon: "pencil", run: () => this.edit(field) },
      { label: "Insert to the left", icon: "arrow-left", run: () => this.add(place) },
      { label: "Insert to the right", icon: "arrow-right", run: () => this.add(place + 1) },
      null,
      {
        label: "Delete the field", icon: "trash", danger: true,
        run: () => this.#dialog(`${grid.urls.field}${field.id}/delete/`),
      },
    ];
  }
}
