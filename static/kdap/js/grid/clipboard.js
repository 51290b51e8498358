// Copy, cut and paste, understood by Excel, Sheets and LibreOffice.
import { confirm } from "./dialogs.js";
import { asTable } from "./ranges.js";
import { readClipboard, toHtml, toTabs } from "./tables.js";
import { understood } from "./words.js";

/** Listens for the browser's copy, cut and paste while the grid has the keyboard. */
export class Clipboard {
  constructor(grid) {
    this.grid = grid;
    for (const name of ["copy", "cut", "paste"]) {
      document.addEventListener(name, (event) => {
        if (document.activeElement === grid.parts.scroller) this[`on${name}`](event);
      });
    }
  }

  oncopy(event) {
    const { store } = this.grid;
    const { spans } = this.grid.selection;
    const table = this.#table();
    if (!table) return;
    event.preventDefault();
    if (!spans.every(([first, last]) => store.has(first, last))) {
      this.copy();
      return;
    }
    const rows = this.#rows(table);
    event.clipboardData.setData("text/plain", toTabs(rows));
    event.clipboardData.setData("text/html", toHtml(rows));
    this.#told(rows);
  }

  oncut(event) {
    if (!this.#table()) return;
    this.oncopy(event);
    this.grid.edits.clear();
  }

  onpaste(event) {
    if (!this.grid.rights.write) return;
    event.preventDefault();
    const text = event.clipboardData.getData("text/plain");
    this.#paste(readClipboard({ text, html: event.clipboardData.getData("text/html") }));
  }

  /** Copy without an event: from a menu, or rows that have to be fetched first. */
  async copy() {
    const { grid } = this;
    const table = this.#table();
    if (!table) return;
    const made = grid.store.gatherAll(grid.selection.spans).then(() => this.#rows(table));
    const blob = (type, write) => made.then((rows) => new Blob([write(rows)], { type }));
    try {
      await navigator.clipboard.write([new ClipboardItem({
        "text/plain": blob("text/plain", toTabs), "text/html": blob("text/html", toHtml),
      })]);
      this.#told(await made);
    } catch {
      grid.tell("The browser did not allow copying. Use Ctrl C.", "warn");
    }
  }

  /** Cut from a menu. */
  async cut() {
    if (!this.#table()) return;
    await this.copy();
    this.grid.edits.clear();
  }

  /** Paste from a menu. */
  async read() {
    try {
      this.#paste(readClipboard({ text: await navigator.clipboard.readText() }));
    } catch {
      this.grid.tell("The browser did not allow reading the clipboard. Use Ctrl V.", "warn");
    }
  }

  /** The rows and columns to copy; null, having said why, when the selection is no table. */
  #table() {
    const { grid } = this;
    if (!grid.mayWorkOn(grid.selection.spans)) return null;
    const table = asTable(grid.selection.rects);
    if (!table) grid.tell("Ranges are copied together when they share their rows or their columns.", "warn");
    return table;
  }

  #rows({ rows, columns }) {
    return rows.map((position) => columns.map((index) => this.grid.render.text(position, index)));
  }

  #told(rows) {
    const count = rows.length * (rows[0]?.length ?? 0);
    if (count > 1) this.grid.tell(`${count.toLocaleString("en")} cells copied`, "info");
    else this.grid.say("Copied");
  }

  /** Write rows of texts from the top left of the selection on; one value fills all of it. */
  async #paste(rows) {
    const { grid } = this;
    const { store, columns, selection } = grid;
    if (!rows.length || !rows[0].length) return;
    if (selection.others.length) {
      await this.#pasteIntoAll(rows);
      return;
    }
    const { top, left, height, width } = this.#target(rows);
    if (!grid.mayWorkOn([[0, height - 1]])) return;
    const room = Math.max(0, Math.min(height, store.count - top));
    if (room) await store.gather(top, top + room - 1);
    const textAt = (row, column) => rows[row % rows.length][column % rows[0].length];
    const fields = columns.shown.slice(left, left + width).map((column) => column.field);
    this.#warn(width - fields.length, fields);
    const cells = [];
    for (let row = 0; row < room; row++) {
      fields.forEach((field, column) => {
        if (field.computed) return;
        cells.push({ position: top + row, key: field.key, value: understood(textAt(row, column), field) });
      });
    }
    const longer = height > room;
    const written = grid.edits.write(cells, { did: longer ? "" : "pasted" });
    let added = [];
    if (longer) {
      added = await this.#overflow(height - room, (row) => {
        const values = {};
        fields.forEach((field, column) => {
          const value = understood(textAt(room + row, column), field);
          if (value !== null && !field.computed) values[field.key] = value;
        });
        return values;
      });
    }
    const operations = [...await written, ...added];
    if (longer && operations.length) grid.did(operations, `${height.toLocaleString("en")} rows pasted`);
    selection.go(top, left, { reveal: false });
    selection.go(top + height - 1, left + width - 1, { extend: true, reveal: false });
  }

  /** One value goes into every selected cell; more than one would not know where to. */
  async #pasteIntoAll(rows) {
    if (rows.length > 1 || rows[0].length > 1) {
      this.grid.tell("Several ranges take one value. Select one range to paste a table.", "warn");
      return;
    }
    await this.grid.edits.put((field) => understood(rows[0][0], field), "pasted");
  }

  /** Where a paste goes: the selection when it is filled evenly, else as large as what is pasted. */
  #target(rows) {
    const { top, bottom, left, right } = this.grid.selection.rect;
    const [tall, wide] = [bottom - top + 1, right - left + 1];
    const even = tall % rows.length === 0 && wide % rows[0].length === 0;
    const fills = even || (rows.length === 1 && rows[0].length === 1);
    return {
      top, left,
      height: fills ? tall : rows.length,
      width: fills ? wide : rows[0].length,
    };
  }

  #warn(beyond, fields) {
    if (beyond > 0) {
      this.grid.tell(`${beyond} columns did not fit to the right of the last field.`, "warn");
    }
    const fixed = fields.filter((field) => field.computed);
    if (fixed.length) this.grid.tell(`“${fixed[0].label}” is filled by KDAP and was left out.`, "info");
  }

  async #overflow(count, rowAt) {
    const what = count === 1 ? "1 entry" : `${count.toLocaleString("en")} entries`;
    const sure = await confirm({
      title: `Add ${what}?`,
      text: `What you pasted is longer than the table by ${count.toLocaleString("en")} ${count === 1 ? "row" : "rows"}.`,
      label: `Add ${what}`,
    });
    return sure ? this.grid.entries.addRows(Array.from({ length: count }, (_, row) => rowAt(row))) : [];
  }
}
