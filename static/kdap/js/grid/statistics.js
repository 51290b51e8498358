// Sums: below each column over all rows asked for, and in the status line over the selection.
import { get } from "./api.js";
import { percent, readable } from "./cells.js";
import { openMenu, part } from "./dialogs.js";

const NAMES = {
  filled: "Filled", empty: "Empty", distinct: "Different", sum: "Sum", average: "Average",
  min: "Least", max: "Most", checked: "Checked", unchecked: "Not checked", count: "Count",
};
const COUNTS = ["filled", "empty", "distinct", "checked", "unchecked", "count"];
const MOST_LOCAL = 20_000;
const MOST_AREAS = 12;
const MOST_COLUMNS = 40;

/** The footer and the status line. */
export class Statistics {
  constructor(grid) {
    this.grid = grid;
    this.element = grid.parts.foot;
    this.values = {};
    this.#status();
    grid.on("columns:rebuilt", () => this.draw());
    grid.on("draw", () => this.#window());
    grid.on("extent", () => this.#total());
    grid.on("asked", () => this.refresh());
    grid.on("written", () => this.refresh());
    grid.on("selection", () => this.#selected());
    grid.on("rows", () => this.#selected());
    this.refresh();
  }

  #status() {
    this.count = part("span", "grid-count");
    this.sums = part("span", "grid-sums");
    this.grid.parts.status.append(this.count, this.sums);
  }

  #total() {
    const { store, filters } = this.grid;
    const what = store.count === 1 ? "entry" : "entries";
    const about = store.exact ? "" : "+";
    this.count.textContent = `${store.count.toLocaleString("en")}${about} ${what}${filters.isNarrow ? " found" : ""}`;
  }

  /** Draw the footer anew. */
  draw() {
    const { grid } = this;
    this.frozen = part("div", "grid-frozen");
    this.frozen.setAttribute("role", "presentation");
    const corner = part("div", "grid-rowhead", "Σ");
    corner.setAttribute("role", "rowheader");
    corner.setAttribute("aria-label", "Sums");
    this.frozen.append(corner);
    this.cells = new Map();
    this.element.replaceChildren(this.frozen);
    this.window = "";
    if (grid.view) this.#window();
    this.refresh();
  }

  #window() {
    const { view, columns } = this.grid;
    const window = `${view.left}-${view.right}`;
    if (window === this.window || !this.cells) return;
    this.window = window;
    for (const cell of this.cells.values()) cell.remove();
    this.cells.clear();
    if (!columns.isPhone) this.#add(0, this.frozen);
    for (let index = view.left; index <= view.right; index++) this.#add(index, this.element);
    this.#show();
  }

  #add(index, parent) {
    const column = this.grid.columns.shown[index];
    if (!column || this.cells.has(index)) return;
    const cell = part("button", `grid-tf c-${index}`);
    cell.type = "button";
    cell.tabIndex = -1;
    cell.setAttribute("role", "gridcell");
    cell.addEventListener("click", () => this.#choose(column.field, cell));
    this.cells.set(index, cell);
    parent.append(cell);
  }

  #choose(field, cell) {
    const { columns, data } = this.grid;
    const { sums } = columns.state;
    const set = (name) => {
      if (name) sums[field.id] = name;
      else delete sums[field.id];
      columns.save();
      this.refresh();
    };
    openMenu(cell, [
      { label: "Nothing", checked: !sums[field.id], run: () => set(null) },
      ...data.types[field.type].aggregates.map((name) => ({
        label: NAMES[name] ?? name, checked: sums[field.id] === name, run: () => set(name),
      })),
    ]);
  }

  /** Ask the server for the sums chosen, over all rows asked for. */
  async refresh() {
    const { grid } = this;
    const wanted = grid.fields
      .filter((field) => grid.columns.state.sums[field.id])
      .map((field) => `${grid.columns.state.sums[field.id]}:${field.key}`);
    if (!wanted.length) {
      this.values = {};
      this.#show();
      return;
    }
    try {
      this.values = await get(grid.urls.sums, { ...grid.address(), of: wanted.join(",") });
      this.#show();
    } catch (error) {
      if (error.status !== 422) grid.failed(error);
    }
  }

  #show() {
    const { columns } = this.grid;
    for (const [index, cell] of this.cells ?? []) {
      const { field } = columns.shown[index];
      const name = columns.state.sums[field.id];
      const value = this.values[`${name}:${field.key}`];
      cell.replaceChildren();
      cell.classList.toggle("is-set", Boolean(name));
      cell.setAttribute("aria-label", name ? `${NAMES[name]} of ${field.label}` : `Add up ${field.label}`);
      if (!name) cell.append(part("span", "grid-tf-hint", "Add up"));
      else cell.append(part("span", "grid-tf-name", NAMES[name]), part("b", "", written(name, value, field)));
    }
  }

  /** The status line: how many cells are selected, and their sum when they are numbers. */
  #selected() {
    clearTimeout(this.timer);
    const { selection } = this.grid;
    if (!selection.isRange) {
      this.sums.textContent = "";
      return;
    }
    this.timer = setTimeout(() => this.#addUp(selection.areas), 60);
  }

  /** Tell the sums of ranges that don't overlap. */
  async #addUp(areas) {
    const { grid } = this;
    const { moves } = grid.selection;
    const chosen = [...new Set(areas.flatMap((area) => this.#columnsOf(area)))];
    const cells = areas.reduce((sum, area) => sum + sizeOf(area), 0);
    const here = cells <= MOST_LOCAL && areas.every(({ top, bottom }) => grid.store.has(top, bottom));
    if (!here) this.#tell(cells, null, chosen);
    const questions = areas.map((area) => [area, this.#columnsOf(area).filter(isNumber)]);
    const many = areas.length > MOST_AREAS || questions.some(([, columns]) => columns.length > MOST_COLUMNS);
    if (!here && many) return;
    const parts = questions.map(([area, columns]) => (here ? localSums : remoteSums)(grid, columns, area));
    try {
      const sums = (await Promise.all(parts)).reduce((a, b) => ({ sum: a.sum + b.sum, filled: a.filled + b.filled }));
      if (grid.selection.moves === moves) this.#tell(cells, sums, chosen);
    } catch (error) {
      grid.failed(error);
    }
  }

  #columnsOf({ left, right }) {
    return this.grid.columns.shown.slice(left, right + 1);
  }

  #tell(cells, sums, chosen) {
    const parts = [`${cells.toLocaleString("en")} cells`];
    if (sums?.filled) {
      const shares = chosen.filter(isNumber).every(({ field }) => field.editor === "percent");
      const write = (value) => (shares ? `${percent(value.toFixed(6), 2)} %` : readable(Number(value.toFixed(6))));
      parts.push(`Numbers ${sums.filled.toLocaleString("en")}`, `Sum ${write(sums.sum)}`, `Average ${write(sums.sum / sums.filled)}`);
    }
    this.sums.replaceChildren(...parts.map((text) => part("span", "", text)));
  }
}

function isNumber({ field }) {
  return ["number", "percent", "rating"].includes(field.editor);
}

function sizeOf({ top, bottom, left, right }) {
  return (bottom - top + 1) * (right - left + 1);
}

async function remoteSums(grid, columns, { top, bottom }) {
  if (!columns.length) return { sum: 0, filled: 0 };
  const rows = bottom - top + 1;
  const span = rows >= grid.store.count ? {} : { first: top, count: rows };
  const of = columns.flatMap(({ field }) => [`sum:${field.key}`, `filled:${field.key}`]).join(",");
  const sums = await get(grid.urls.sums, { ...grid.address(), ...span, of });
  const total = (name) => columns.reduce((sum, { field }) => sum + Number(sums[`${name}:${field.key}`] ?? 0), 0);
  return { sum: total("sum"), filled: total("filled") };
}

function localSums(grid, columns, { top, bottom }) {
  let [sum, filled] = [0, 0];
  for (const { at } of columns) {
    for (let position = top; position <= bottom; position++) {
      const value = grid.store.row(position)?.[at];
      if (value === null || value === undefined) continue;
      sum += Number(value);
      filled += 1;
    }
  }
  return { sum, filled };
}

function written(name, value, field) {
  if (value === null || value === undefined) return "–";
  if (COUNTS.includes(name)) return readable(value);
  if (field.editor === "percent") return `${percent(Number(value).toFixed(6), 2)} %`;
  if (!isNumber({ field })) return String(value).slice(0, 16).replace("T", " ");
  const scale = name === "average" ? Math.max(2, field.options.scale ?? 0) : field.options.scale;
  return readable(value, scale);
}
