// The rows that were fetched: a sparse cache of blocks, and how many rows there are.
import { get } from "./api.js";

const BLOCK = 200;
const MOST_BLOCKS = 200;
const MOST_AT_ONCE = 4;

/** Rows are arrays: [entry_id, tag, value of fields[0], …]. Positions count from 0. */
export class Store {
  constructor(grid) {
    this.grid = grid;
    this.blocks = new Map();
    this.waiting = new Map();
    this.places = new Map();
    this.count = 0;
    this.exact = false;
    this.round = 0;
  }

  /** Take the first block as the page brought it. */
  begin(rows) {
    this.#keep(0, rows);
    this.count = rows.length;
    this.exact = rows.length < BLOCK;
    this.grid.emit("extent");
    if (!this.exact) this.measure();
  }

  /** The row at a position, or undefined while it isn't here. */
  row(position) {
    return this.blocks.get(Math.floor(position / BLOCK))?.[position % BLOCK];
  }

  /** The position of an entry that is here, or undefined. */
  placeOf(id) {
    return this.places.get(id);
  }

  /** Whether all rows from `first` to `last` are here. */
  has(first, last) {
    for (let n = Math.floor(first / BLOCK); n <= Math.floor(last / BLOCK); n++) {
      if (!this.blocks.has(n)) return false;
    }
    return true;
  }

  /** Ask the server how many rows there are, then let it get ready for jumps. */
  async measure({ deep = true } = {}) {
    const round = this.round;
    const { grid } = this;
    try {
      const { count } = await get(grid.urls.extent, grid.address());
      if (round !== this.round) return;
      this.count = Math.max(count, 0);
      this.exact = true;
      this.grid.emit("extent");
      if (deep && count > BLOCK * 20) await get(grid.urls.extent, { ...grid.address(), deep: 1 });
    } catch (error) {
      if (round === this.round) grid.failed(error);
    }
  }

  /** Fetch what is missing between two positions; resolves when all of it is here. */
  need(first, last) {
    const end = Math.floor(Math.min(last, this.count - 1) / BLOCK);
    const wanted = [];
    for (let n = Math.max(0, Math.floor(first / BLOCK)); n <= end; n++) {
      if (!this.blocks.has(n)) wanted.push(n);
    }
    return Promise.all(wanted.map((n) => this.#fetch(n)));
  }

  /** Let go of requests for blocks that are further than a screen from [first, last]. */
  forsake(first, last) {
    const [low, high] = [Math.floor(first / BLOCK) - 1, Math.floor(last / BLOCK) + 1];
    for (const [n, { abort, held }] of this.waiting) {
      if (!held && (n < low || n > high)) abort.abort();
    }
  }

  /** Fetch rows that an action works on, a few blocks at a time; they are not forsaken. */
  async gather(first, last) {
    for (let at = first; at <= last; at += BLOCK * MOST_AT_ONCE) {
      const until = Math.min(last, at + BLOCK * MOST_AT_ONCE - 1);
      const work = this.need(at, until);
      for (const item of this.waiting.values()) item.held = true;
      await work;
    }
    const rows = [];
    for (let at = first; at <= last; at++) rows.push(this.row(at));
    return rows;
  }

  /** Fetch the rows of several spans [first, last]; resolves with those that are there. */
  async gatherAll(spans) {
    const rows = [];
    for (const [first, last] of spans) rows.push(...await this.gather(first, last));
    return rows.filter(Boolean);
  }

  #fetch(n) {
    const running = this.waiting.get(n);
    if (running) return running.promise;
    const abort = new AbortController();
    const promise = this.#load(n, abort.signal).finally(() => {
      if (this.waiting.get(n)?.abort === abort) this.waiting.delete(n);
    });
    this.waiting.set(n, { promise, abort, held: false });
    return promise;
  }

  async #load(n, signal) {
    const { grid, round } = this;
    try {
      const params = { ...grid.address(), block: n, v: grid.version };
      const { rows } = await get(grid.urls.rows, params, signal);
      if (round !== this.round) return;
      this.#keep(n, rows);
      grid.emit("rows");
    } catch (error) {
      if (error.name !== "AbortError" && round === this.round) grid.failed(error);
    }
  }

  #keep(n, rows) {
    this.#forget(n);
    this.blocks.set(n, rows);
    rows.forEach((row, index) => this.places.set(row[0], n * BLOCK + index));
    if (this.blocks.size > MOST_BLOCKS) this.#drop(n);
  }

  #drop(near) {
    const far = [...this.blocks.keys()].sort((a, b) => Math.abs(b - near) - Math.abs(a - near));
    for (const n of far.slice(0, 20)) this.#forget(n);
  }

  /**
   * Fetch again what others changed: the blocks of the entries `ids`, or all of them. Those with
   * rows from `first` to `last` stay on screen until they have come, the others are dropped.
   */
  async refresh({ ids, first, last, recount }) {
    const touched = ids && new Set(ids.map((id) => Math.floor(this.places.get(id) / BLOCK)));
    const stale = [...this.blocks.keys()].filter((n) => !touched || touched.has(n));
    const seen = stale.filter((n) => n >= Math.floor(first / BLOCK) && n <= Math.floor(last / BLOCK));
    for (const n of stale) if (!seen.includes(n)) this.#forget(n);
    // What is on its way may have been read before the change.
    await Promise.all([...this.waiting.values()].map(({ promise }) => promise));
    await Promise.all([...seen.map((n) => this.#fetch(n)), recount && this.measure({ deep: false })]);
  }

  #forget(n) {
    for (const row of this.blocks.get(n) ?? []) {
      if (row && Math.floor(this.places.get(row[0]) / BLOCK) === n) this.places.delete(row[0]);
    }
    this.blocks.delete(n);
  }

  /** Put newer versions of rows in place of the ones that are here. */
  replace(rows) {
    for (const row of rows) {
      const place = this.places.get(row[0]);
      if (place === undefined) continue;
      this.blocks.get(Math.floor(place / BLOCK))[place % BLOCK] = row;
    }
    this.grid.emit("rows");
  }

  /** Add rows after the last one; the view jumps there when its block was never fetched. */
  async append(rows) {
    await this.need(Math.max(0, this.count - 1), this.count - 1);
    for (const row of rows) {
      const [n, index] = [Math.floor(this.count / BLOCK), this.count % BLOCK];
      if (!this.blocks.has(n)) this.blocks.set(n, []);
      this.blocks.get(n)[index] = row;
      this.places.set(row[0], this.count);
      this.count += 1;
    }
    this.grid.emit("extent");
  }

  /** Forget everything and begin again from the server. Resolves when the first rows are here. */
  async reset({ near = 0 } = {}) {
    this.round += 1;
    for (const { abort } of this.waiting.values()) abort.abort();
    this.waiting.clear();
    this.blocks.clear();
    this.places.clear();
    this.count = Math.max(this.count, 1);
    const n = Math.floor(near / BLOCK);
    const measured = this.measure();
    await this.#fetch(n);
    await measured;
    this.grid.emit("rows");
  }
}
