// Which columns there are, in which order and how wide; kept for this person on the server.
import { post } from "./api.js";

export const HEAD_WIDTH = 64;
const NARROWEST = 56;
const WIDEST = 1200;
const USUAL = {
  boolean: 110, rating: 130, date: 130, datetime: 175, number: 130, percent: 110, choice: 150,
  choices: 200, long_text: 260, url: 210, email: 210, duration: 120, user: 170, json: 200,
};
const HEIGHTS = { short: 30, normal: 36, tall: 60, extra: 96 };

/** One column of the grid: its field, and where its value stands in a row. */
class Column {
  constructor(field, position, width) {
    Object.assign(this, { field, at: position + 2, width, left: 0 });
  }
}

/** The columns of one grid. `shown` is what is drawn, the first of it frozen. */
export class Columns {
  constructor(grid, state) {
    this.grid = grid;
    this.state = { widths: {}, order: [], hidden: [], height: "normal", sums: {}, ...state };
    this.sheet = new CSSStyleSheet();
    document.adoptedStyleSheets = [...document.adoptedStyleSheets, this.sheet];
    this.rebuild();
    addEventListener("pagehide", () => { if (this.timer) this.#send({ keepalive: true }); });
  }

  /** Make the columns anew from the grid's fields and this person's state. */
  rebuild() {
    const { fields } = this.grid;
    const { widths, order, hidden } = this.state;
    const rank = new Map(order.map((id, index) => [id, index]));
    const place = (field, index) => rank.get(field.id) ?? followed(fields, index, rank);
    const all = fields.map((field, index) => {
      const width = widths[field.id] ?? USUAL[field.editor] ?? (index ? 180 : 240);
      return [place(field, index), index, new Column(field, index, width)];
    });
    all.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    this.all = all.map((item) => item[2]);
    this.shown = this.all.filter((column) => !hidden.includes(column.field.id));
    if (!this.shown.length) this.shown = this.all.slice(0, 1);
    this.#lay();
  }

  #lay() {
    let left = HEAD_WIDTH;
    const rules = this.shown.map((column, index) => {
      column.left = left;
      left += column.width;
      return `.c-${index}{left:${column.left}px;width:${column.width}px}`;
    });
    this.total = left;
    this.frozen = HEAD_WIDTH + (this.isPhone ? 0 : (this.shown[0]?.width ?? 0));
    this.sheet.replaceSync(`.grid{--row:${this.height}px}${rules.join("")}`);
    this.grid.root.dataset.height = this.state.height;
  }

  /** A window so narrow that a frozen column would leave no room for the others. */
  get isPhone() {
    return window.innerWidth < 600;
  }

  /** Row height in pixels. */
  get height() {
    return HEIGHTS[this.state.height] ?? HEIGHTS.normal;
  }

  /** The names of the row heights there are. */
  static get heights() {
    return Object.keys(HEIGHTS);
  }

  /** Indexes [first, last] of the columns between two distances from the left, frozen ones apart. */
  between(left, right) {
    const from = this.isPhone ? 0 : 1;
    let first = from;
    while (first < this.shown.length - 1 && this.shown[first].left + this.shown[first].width < left) first++;
    let last = first;
    while (last < this.shown.length - 1 && this.shown[last + 1].left < right) last++;
    return [first, last];
  }

  /** The position among the shown columns of a field's key, or -1. */
  indexOf(key) {
    return this.shown.findIndex((column) => column.field.key === key);
  }

  /** Set a width while the mouse moves; `save` afterwards. */
  resize(index, width) {
    const column = this.shown[index];
    column.width = Math.round(Math.min(WIDEST, Math.max(NARROWEST, width)));
    this.state.widths[column.field.id] = column.width;
    this.#lay();
    this.grid.emit("columns");
  }

  /** Put the column at `from` before the one now at `to`. */
  move(from, to) {
    const [column] = this.shown.splice(from, 1);
    this.shown.splice(to > from ? to - 1 : to, 0, column);
    const hidden = this.all.filter((item) => !this.shown.includes(item));
    this.state.order = [...this.shown, ...hidden].map((item) => item.field.id);
    this.changed();
  }

  /** Show or hide a field's column. The last one stays. */
  toggle(field, visible) {
    const hidden = new Set(this.state.hidden);
    if (visible) hidden.delete(field.id);
    else if (this.shown.length > 1) hidden.add(field.id);
    this.state.hidden = [...hidden];
    this.changed();
  }

  /** Give all rows another height: short, normal, tall or extra. */
  setHeight(name) {
    this.state.height = name;
    this.changed();
  }

  /** Draw again and keep the state on the server. */
  changed() {
    this.rebuild();
    this.grid.emit("columns:rebuilt");
    this.save();
  }

  /** Keep the state on the server, once things are quiet or the page is left. */
  save() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#send(), 400);
    this.grid.emit("columns:kept");
  }

  #send(options) {
    clearTimeout(this.timer);
    this.timer = 0;
    post(this.grid.urls.state, this.state, options).catch((error) => this.grid.failed(error));
  }
}

/** The rank of a field that the kept order doesn't know: right after the field before it. */
function followed(fields, index, rank) {
  for (let n = index - 1; n >= 0; n--) {
    if (rank.has(fields[n].id)) return rank.get(fields[n].id) + 0.5;
  }
  return rank.size ? -1 : index;
}
