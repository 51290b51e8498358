// What others do meanwhile: asked for every few seconds, and shown where one looks.
import { get } from "./api.js";

const SOON = 3000;
const IDLE = 10_000;
const IDLE_AFTER = 60_000;
const MOST_EVENTS = 500;
const MOST_KNOWN = 2000;
const FLASH = { duration: 1600, easing: "ease-out" };

/** Keeps the grid in step with the log of its record. */
export class Live {
  constructor(grid) {
    this.grid = grid;
    this.cursor = grid.data.news;
    this.known = new Set();
    this.own = new Set();
    this.touched = Date.now();
    for (const name of ["keydown", "pointerdown", "wheel"]) {
      document.addEventListener(name, () => { this.touched = Date.now(); }, { passive: true });
    }
    document.addEventListener("visibilitychange", () => this.#again(0));
    window.addEventListener("focus", () => this.#again(0));
    grid.parts.scroller.addEventListener("scroll", () => this.#calm(), { passive: true });
    this.flashes = [];
    this.#again(SOON);
  }

  /** The page itself has shown what this operation did. */
  shown(operation) {
    this.own.add(operation);
  }

  #again(delay) {
    clearTimeout(this.timer);
    if (document.hidden) return;
    this.timer = setTimeout(() => this.catchUp(), delay);
  }

  /** Ask what is new and show it; `undone` when this page just took something back. */
  async catchUp({ undone = false } = {}) {
    clearTimeout(this.timer);
    if (undone) {
      await this.running;
      this.lights = true;
    }
    this.running ??= this.#ask().finally(() => { this.running = null; });
    const going = await this.running;
    if (going) this.#again(Date.now() - this.touched > IDLE_AFTER ? IDLE : SOON);
  }

  /** Ask once; resolves with whether to ask again. */
  async #ask() {
    const { grid } = this;
    try {
      const { cursor, events, version } = await get(grid.urls.news, { since: this.cursor });
      this.cursor = cursor;
      await grid.edits.line;
      const news = events.filter((event) => this.#isNew(event));
      if (version !== grid.version) await grid.renew();
      else if (news.length) await this.#show(news, events.length >= MOST_EVENTS);
      return true;
    } catch (error) {
      // Out of reach for a while is no news; what is gone or closed is not asked for again.
      return !error.status || error.status >= 500;
    }
  }

  #isNew({ id, operation }) {
    if (this.known.has(id)) return false;
    this.known.add(id);
    if (this.known.size > MOST_KNOWN) this.known.delete(this.known.values().next().value);
    return !this.own.has(operation);
  }

  /** Fetch the rows again that events touched, staying where one looks. */
  async #show(events, tooMany) {
    const { grid } = this;
    const entries = events.filter((event) => event.type.startsWith("entries."));
    if (!entries.length && !tooMany) return;
    const ids = tooMany || entries.some((event) => !event.ids) ? null : entries.flatMap((event) => event.ids);
    const moved = tooMany || entries.some((event) => this.#moves(event));
    const before = this.#picture();
    await grid.store.refresh({ ids: moved ? null : ids, first: grid.view.first, last: grid.view.last, recount: moved });
    this.#stay(before);
    if (this.lights || entries.some((event) => !event.mine)) this.#flash(before, made(entries));
    this.lights = false;
    grid.emit("written");
    grid.emit("others", ids && new Set(ids));
  }

  /** Whether an event can have moved rows in what is asked for. */
  #moves({ type, changed }) {
    if (type !== "entries.updated") return true;
    const { filters } = this.grid;
    if (filters.search || !changed) return filters.isNarrow || filters.sorts.length > 0;
    const asked = JSON.stringify([filters.complete(), filters.sorts]);
    return changed.some((key) => asked.includes(key)) || asked.includes("updated_");
  }

  /** The rows one looks at, by entry, with their places. */
  #picture() {
    const { store, view, selection } = this.grid;
    const rows = new Map();
    for (let position = view.first; position <= view.last; position++) {
      const row = store.row(position);
      if (row) rows.set(row[0], { row, position });
    }
    const [top, active] = [view.firstSeen, selection.row].map((position) => store.row(position)?.[0]);
    return { rows, top, active, y: view.y, selected: selection.state };
  }

  /** Rows may have moved: keep the same ones in sight, and the same one active. */
  #stay({ rows, top, active, y, selected }) {
    const { store, view, selection } = this.grid;
    const shift = (id) => (store.placeOf(id) ?? NaN) - rows.get(id)?.position || 0;
    const scrolled = shift(top);
    if (scrolled) view.to(y + scrolled * view.rowHeight);
    const moved = shift(active);
    if (moved) selection.restore(selected, moved);
  }

  /** Light up the cells in sight that differ from before. */
  #flash({ rows }, made) {
    const { grid } = this;
    const { store, view, columns, render } = grid;
    this.#calm();
    for (let position = view.first; position <= view.last; position++) {
      const row = store.row(position);
      const old = row && rows.get(row[0])?.row;
      if (!row || old?.[1] === row[1] || (!old && !made.has(row[0]))) continue;
      columns.shown.forEach(({ at }, index) => {
        if (old && JSON.stringify(old[at]) === JSON.stringify(row[at])) return;
        const element = render.cellAt(position, index)?.element;
        if (element) this.flashes.push(element.animate([{ background: "var(--flash)" }, {}], FLASH));
      });
    }
  }

  /** Cells are used again for other rows: nothing may glow on while they move. */
  #calm() {
    for (const flash of this.flashes.splice(0)) flash.cancel();
  }
}

function made(events) {
  return new Set(events.flatMap(({ type, ids }) => (type === "entries.created" && ids) || []));
}
