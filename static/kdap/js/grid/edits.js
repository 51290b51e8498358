// Writing cells: shown at once, sent in order, and put right by what the server answers.
import { post } from "./api.js";
import { textOf } from "./cells.js";
import { showMark } from "./marks.js";
import { today } from "./words.js";

const MOST_ROWS = 10_000;

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
   * Write cells: [{position, key, value, seen}], all one action. `seen` is what the person saw
   * before, of which entry, for those who took their time. `did` is what several cells were.
   * Resolves with the operations by which it was done.
   */
  write(cells, { force = false, did = "changed" } = {}) {
    const { grid } = this;
    if (!grid.rights.write || !cells.length) return Promise.resolve([]);
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
    grid.emit("rows");
    return this.#queue(() => this.#send([...changes.values()], force, did));
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

  async #send(changes, force, did) {
    let changed = 0;
    const operations = [];
    for (let at = 0; at < changes.length; at += MOST_ROWS) {
      const part = changes.slice(at, at + MOST_ROWS).map((change) => this.#complete(change));
      try {
        const answer = await post(this.grid.urls.cells, { changes: part, force });
        this.take(answer, part);
        changed += answer.changed;
        if (answer.changed) operations.push(answer.operation);
      } catch (error) {
        this.#keepText(part, error);
        break;
      }
    }
    if (changed) this.grid.did(operations, changed > 1 && did ? `${changed.toLocaleString("en")} cells ${did}` : "");
    if (changed === 1) this.grid.say("1 cell changed");
    this.grid.emit("written");
    return operations;
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

  /** Take over an answer: new rows, refused cells with their text, conflicts. */
  take(answer, sent = []) {
    for (const { entry_id, values } of sent) {
      for (const key of Object.keys(values)) this.marks.delete(`${entry_id}:${key}`);
    }
    const given = new Map(sent.map((change) => [change.entry_id, change.values]));
    for (const { entry_id, key, detail } of answer.refused) {
      const value = given.get(entry_id)?.[key];
      this.#mark(entry_id, key, { kind: "refused", text: this.#preview(value ?? "", key), detail, value });
    }
    for (const { entry_id, key, yours, theirs } of answer.conflicts) {
      const detail = `Somebody changed this cell before you did.`;
      const text = this.#preview(yours, key);
      this.#mark(entry_id, key, { kind: "conflict", text, detail, yours, theirs });
    }
    this.grid.store.replace(answer.rows);
    this.#report(answer);
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
