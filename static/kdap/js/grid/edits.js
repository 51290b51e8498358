// Writing cells: shown at once, sent in order, and put right by what the server answers.
import { post } from "./api.js";
import { textOf } from "./cells.js";
import { showMark } from "./marks.js";
import { today } from "./words.js";

/**
 * What was typed but is not (yet) what the server holds. A mark of a cell has `kind`: waiting,
 * refused (with the text kept and a sentence) or conflict (with both values).
 */
export class Edits {
  constructor(grid) {
    this.grid = grid;
    this.marks = new Map();
    this.line = Promise.resolve();
    grid.on("selection", () => showMark(grid));
  }

  /** The mark of a cell, or undefined. */
  markOf(id, key) {
    return this.marks.size ? this.marks.get(`${id}:${key}`) : undefined;
  }

  /** Forget every mark. */
  forget() {
    this.marks.clear();
    this.grid.emit("rows");
  }

  /**
   * Write cells: [{position, key, value, seen}], and add entries: `rows` of values by field key,
   * all one operation. `seen` is what the person saw before, of which entry, for those who took
   * their time. `did` is what several cells were, or all rows when some are added.
   * Resolves with the server's answer, or null when it was asked nothing or refused.
   */
  write(cells, { force = false, did = "changed", rows = [] } = {}) {
    const { grid } = this;
    if (!grid.rights.write || !(cells.length || rows.length)) return Promise.resolve(null);
    const changes = new Map();
    for (const { position, key, value, seen } of cells) {
      const id = seen?.id ?? grid.store.row(position)?.[0];
      if (id === undefined) continue;
      if (!changes.has(id)) changes.set(id, { entry_id: id, values: {}, seen: {} });
      const change = changes.get(id);
      change.values[key] = value;
      if (seen) change.seen[key] = seen;
      this.#mark(id, key, { kind: "waiting", text: this.#preview(value, key) });
    }
    if (!changes.size && !rows.length) return Promise.resolve(null);
    grid.emit("rows");
    return this.#queue(() => this.#send([...changes.values()], rows, force, did));
  }

  #preview(value, key) {
    if (value === null || typeof value === "string") return value ?? "";
    return textOf(value, this.grid.field(key), this.grid);
  }

  #mark(id, key, mark) {
    this.marks.set(`${id}:${key}`, mark);
  }

  /** Run after everything that was sent before; later edits then know the newer versions. */
  #queue(work) {
    this.line = this.line.then(work, work);
    return this.line;
  }

  async #send(changes, rows, force, did) {
    const { grid } = this;
    const sent = changes.map((change) => this.#complete(change));
    let answer;
    try {
      answer = await this.#post(sent, rows, force);
    } catch (error) {
      this.#keepText(sent, error);
      return null;
    }
    this.take(answer, sent, rows);
    if (rows.length) await grid.entries.take(answer, sent.length + rows.length, did);
    else this.#told(answer, did);
    grid.emit("written");
    return answer;
  }

  /** Ask for one operation; where new entries come to stand depends on what is asked for. */
  #post(changes, rows, force) {
    const { urls } = this.grid;
    if (!rows.length) return post(urls.cells, { changes, force });
    const data = changes.length ? { changes, rows, force } : { rows };
    return post(`${urls.cells}?${new URLSearchParams(this.grid.address())}`, data);
  }

  #told({ changed, operation }, did) {
    if (changed) this.grid.did([operation], changed > 1 && did ? `${changed.toLocaleString("en")} cells ${did}` : "");
    if (changed === 1) this.grid.say("1 cell changed");
  }

  /** Add to a change what the person had before their eyes. */
  #complete({ entry_id, values, seen }) {
    const { grid } = this;
    const row = grid.store.row(grid.store.placeOf(entry_id));
    const was = {};
    let version = row?.[1];
    for (const key of Object.keys(values)) {
      was[key] = seen[key] ? seen[key].value : row?.[this.#at(key)];
      if (seen[key] && seen[key].version < version) version = seen[key].version;
    }
    return { entry_id, values, was, version };
  }

  #at(key) {
    return this.grid.fields.findIndex((field) => field.key === key) + 2;
  }

  /** Take over an answer: newer rows, refused cells with their text, conflicts. */
  take(answer, sent, added) {
    for (const { entry_id, values } of sent) {
      for (const key of Object.keys(values)) this.marks.delete(`${entry_id}:${key}`);
    }
    const given = new Map(sent.map((change) => [change.entry_id, change.values]));
    // A row that was refused as a whole has no cells to show that in.
    const refused = answer.refused.filter((item) => item.entry_id);
    for (const { entry_id, row, key, detail } of refused) {
      const value = (given.get(entry_id) ?? added[row])?.[key];
      this.#mark(entry_id, key, { kind: "refused", text: this.#preview(value ?? "", key), detail, value });
    }
    for (const { entry_id, key, yours, theirs } of answer.conflicts) {
      const detail = `Somebody changed this cell before you did.`;
      const text = this.#preview(yours, key);
      this.#mark(entry_id, key, { kind: "conflict", text, detail, yours, theirs });
    }
    this.grid.store.replace(answer.rows);
    this.#report({ ...answer, refused });
  }

  #report({ refused, conflicts, gone }) {
    const { grid } = this;
    if (refused.length) {
      const more = refused.length > 1 ? ` ${refused.length} cells keep your text in red.` : "";
      grid.tell(`${refused[0].detail}${more}`, "bad");
    }
    if (conflicts.length) {
      const what = conflicts.length === 1 ? "A cell was" : `${conflicts.length} cells were`;
      grid.tell(`${what} changed by somebody else first. Choose which value stays.`, "warn");
    }
    if (gone.length) {
      grid.tell(`${gone.length === 1 ? "An entry was" : `${gone.length} entries were`} deleted by somebody else.`, "warn");
      grid.store.reset({ near: grid.view.firstSeen });
    }
    showMark(grid);
  }

  /** Nothing was saved: keep every text, with the reason. */
  #keepText(part, error) {
    for (const { entry_id, values } of part) {
      for (const [key, value] of Object.entries(values)) {
        const text = this.#preview(value, key);
        this.#mark(entry_id, key, { kind: "refused", text, detail: error.detail ?? String(error), value });
      }
    }
    this.grid.emit("rows");
    this.grid.failed(error);
  }

  /** Drop a cell's mark, showing what the server holds. */
  discard(id, key) {
    this.marks.delete(`${id}:${key}`);
    this.grid.emit("rows");
    showMark(this.grid);
  }

  /** Empty the selected cells. */
  clear() {
    return this.put(() => null, "emptied");
  }

  /** Put today, or this moment, into the selected date cells. */
  now() {
    const values = { date: today(), datetime: new Date().toISOString() };
    return this.put((field) => values[field.editor]);
  }

  /** Put `valueOf(field)` into every selected cell, where that isn't undefined; they were `did`. */
  async put(valueOf, did = "changed") {
    const { grid } = this;
    const { spans, areas } = grid.selection;
    if (!grid.mayWorkOn(spans)) return;
    await grid.store.gatherAll(spans);
    const cells = areas.flatMap((area) => this.#unlike(area, valueOf));
    await this.write(cells, { did });
  }

  /** The cells of a range that don't hold what `valueOf` says of their field. */
  #unlike({ top, bottom, left, right }, valueOf) {
    const { grid } = this;
    const cells = [];
    for (const column of grid.columns.shown.slice(left, right + 1)) {
      const value = column.field.computed ? undefined : valueOf(column.field);
      if (value === undefined) continue;
      for (let position = top; position <= bottom; position++) {
        const row = grid.store.row(position);
        const marked = row && this.markOf(row[0], column.field.key);
        if (row && (row[column.at] !== value || marked)) cells.push({ position, key: column.field.key, value });
      }
    }
    return cells;
  }
}
