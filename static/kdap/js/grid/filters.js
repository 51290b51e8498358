// What is asked for: conditions, order and search. All of it lives in the address.
import { button, part } from "./dialogs.js";
import { Builder } from "./builder.js";
import { SortMenu } from "./sorts.js";

/** The chips above the grid, and the state behind them. */
export class Filters {
  constructor(grid, problem) {
    this.grid = grid;
    this.bar = document.getElementById("grid-chips");
    this.#fromAddress();
    this.problem = problem ?? null;
    this.builder = new Builder(grid, this);
    this.sorting = new SortMenu(grid, this);
    window.addEventListener("popstate", () => {
      this.#fromAddress();
      this.#ask();
    });
    grid.on("columns:rebuilt", () => this.draw());
  }

  /** Read the address; what it leaves out is as the view has it. */
  #fromAddress() {
    const params = new URLSearchParams(window.location.search);
    const view = this.grid.data.view;
    let where = view?.where ?? null;
    try {
      if (params.has("where")) where = JSON.parse(params.get("where") || "null");
    } catch {
      where = null;
    }
    this.#take({
      where,
      sort: params.has("sort") ? params.get("sort").split(",").filter(Boolean) : view?.sort ?? [],
      search: params.get("search") ?? view?.search ?? "",
    });
  }

  #take({ where, sort, search }) {
    const node = structuredClone(where);
    this.search = search;
    this.sorts = [...sort];
    this.root = node && ("and" in node || "or" in node) ? node : { and: node ? [node] : [] };
  }

  /** Ask for what a view asks for: where, sort and search. */
  ask(question) {
    this.#take(question);
    this.apply();
    document.querySelector("[data-search]").value = this.search;
  }

  /** Return a condition as `address` would write it, null when nothing of it is complete. */
  whole(where) {
    if (!where) return null;
    const word = "or" in where ? "or" : "and";
    const conditions = this.complete(where[word] ?? [where]);
    return conditions.length ? { [word]: conditions } : null;
  }

  /** The conditions at the top, with the word that joins them. */
  get word() {
    return "or" in this.root ? "or" : "and";
  }

  get conditions() {
    return this.root[this.word];
  }

  /** Whether fewer than all rows are asked for. */
  get isNarrow() {
    return Boolean(this.search || this.complete().length);
  }

  /** What makes it fewer than all, in a word. */
  get narrowing() {
    return this.complete().length ? "filter" : "search";
  }

  /** The conditions that are filled in well enough to be asked. */
  complete(conditions = this.conditions) {
    return conditions.map((node) => this.#whole(node)).filter(Boolean);
  }

  #whole(node) {
    for (const word of ["and", "or"]) {
      if (!(word in node)) continue;
      const inner = this.complete(node[word]);
      return inner.length ? { [word]: inner } : null;
    }
    if ("not" in node) return node;
    const takes = this.operator(node)?.takes;
    if (!takes) return node;
    if (takes === "nothing") return { field: node.field, op: node.op };
    const { value } = node;
    const missing = Array.isArray(value) ? !value.length || value.includes("") : value === undefined || value === "";
    return missing ? null : node;
  }

  /** The operator of a condition, as the field's type describes it. */
  operator(node) {
    const field = this.grid.field(node.field);
    return field && this.grid.data.types[field.type].operators.find((item) => item.key === node.op);
  }

  /** What goes into each request, as texts. */
  address() {
    const asked = {};
    const conditions = this.complete();
    if (conditions.length) asked.where = JSON.stringify({ [this.word]: conditions });
    if (this.sorts.length) asked.sort = this.sorts.join(",");
    if (this.search) asked.search = this.search;
    if (this.grid.data.asOf) asked.as_of = this.grid.data.asOf;
    return asked;
  }

  /** Write what is asked for into the address; in a view only what differs from it. */
  link() {
    const { view } = this.grid.data;
    const asked = this.address();
    if (view) {
      const kept = { where: this.whole(view.where), sort: view.sort.join(","), search: view.search };
      const now = { ...asked, where: asked.where ? JSON.parse(asked.where) : null };
      for (const name of Object.keys(kept)) {
        if (same(now[name] ?? "", kept[name] ?? "")) delete asked[name];
        else asked[name] ??= "";
      }
    }
    const query = new URLSearchParams({ ...(view && { view: view.id }), ...asked }).toString();
    const after = query ? `?${query}` : "";
    if (after === window.location.search) return false;
    window.history.replaceState(null, "", `${window.location.pathname}${after}`);
    return true;
  }

  /** Take over a change: write the address, and ask the server anew. */
  apply() {
    this.problem = null;
    const changed = this.link();
    this.draw();
    if (changed) this.#ask();
  }

  async #ask() {
    const { grid } = this;
    grid.emit("sorts");
    grid.emit("asked");
    this.draw();
    grid.store.exact = false;
    await grid.store.reset();
    grid.selection.go(0, grid.selection.column);
    grid.say(`${grid.store.count.toLocaleString("en")} entries`);
  }

  /** Sort by keys, "-" in front for descending. */
  sortBy(keys) {
    this.sorts = keys;
    this.apply();
  }

  /** Look for a text in every field. */
  searchFor(text) {
    this.search = text.trim();
    this.apply();
  }

  /** Add a condition on a field and open the builder there. */
  begin(field) {
    this.conditions.push(this.builder.fresh(field));
    this.draw();
    this.builder.open(document.querySelector('[data-grid="filter"]'));
  }

  /** Show an error of the server on its chip; false when it belongs to none. */
  show(error) {
    this.problem = error;
    this.draw();
    this.grid.store.count = 0;
    this.grid.store.exact = true;
    this.grid.emit("extent");
    this.grid.tell(error.detail, "bad");
    return true;
  }

  /** The sentence of what is wrong with the condition at a pointer as /and/0, or "". */
  problemAt(pointer) {
    const found = this.problem?.problems?.find((item) => `${item.pointer}/`.startsWith(`${pointer}/`));
    return found?.detail ?? "";
  }

  /** Draw the chips. */
  draw() {
    const chips = this.complete().map((node) => this.#chip(node));
    for (const key of this.sorts) chips.push(this.#sortChip(key));
    if (chips.length > 1) {
      chips.push(button("Clear all", "btn btn-quiet btn-sm", () => {
        this.root = { and: [] };
        this.sorts = [];
        this.apply();
      }));
    }
    if (this.problem && !chips.length) chips.push(part("span", "chip chip-bad", this.problem.detail));
    this.bar.replaceChildren(...chips);
    this.bar.hidden = !chips.length;
    this.grid.emit("filters");
  }

  #chip(node) {
    const place = this.complete().findIndex((item) => JSON.stringify(item) === JSON.stringify(node));
    const wrong = this.problemAt(`/${this.word}/${place}`);
    const chip = part("span", wrong ? "chip chip-bad" : "chip");
    const open = button(this.sentence(node), "chip-text", () => this.builder.open(chip));
    chip.title = wrong;
    if (wrong) open.setAttribute("aria-description", wrong);
    const remove = button("", "", () => {
      const text = JSON.stringify(node);
      const at = this.conditions.findIndex((item) => JSON.stringify(this.#whole(item)) === text);
      this.conditions.splice(at, 1);
      this.apply();
    }, "x", "Remove this filter");
    chip.append(open, remove);
    return chip;
  }

  #sortChip(key) {
    const down = key.startsWith("-");
    const label = this.grid.field(key.replace(/^-/, ""))?.label ?? key.replace(/^-/, "");
    const chip = part("span", "chip");
    const remove = button("", "", () => this.sortBy(this.sorts.filter((item) => item !== key)), "x", "Remove this order");
    chip.append(button(`${down ? "↓" : "↑"} ${label}`, "chip-text", () => this.sorting.open(chip)), remove);
    return chip;
  }

  /** Return a condition as a sentence. */
  sentence(node) {
    for (const word of ["and", "or"]) {
      if (word in node) return node[word].map((item) => this.sentence(item)).join(` ${word} `);
    }
    if ("not" in node) return `not (${this.sentence(node.not)})`;
    const field = this.grid.field(node.field);
    const operator = this.operator(node);
    if (!field || !operator) return `${node.field} ${node.op ?? ""}`;
    const value = this.builder.readable(node.value, field);
    return operator.sentence.replace("{f}", field.label).replace("{v}", value);
  }
}

/** Whether two values of JSON say the same, whatever the order of their keys. */
export function same(a, b) {
  if (a === b) return true;
  if (typeof a !== "object" || typeof b !== "object" || !a || !b) return false;
  const keys = Object.keys(a);
  return keys.length === Object.keys(b).length && keys.every((key) => same(a[key], b[key]));
}
