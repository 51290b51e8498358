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
    if (height > room && !await agreed(height - room)) return;
    const fields = columns.shown.slice(left, left + width).map((column) => column.field);
    this.#warn(width - fields.length, fields);
    const valuesAt = (row) => fields.flatMap((field, column) => {
      if (field.computed) return [];
      const line = rows[row % rows.length];
      return [{ key: field.key, value: understood(line[column % line.length], field) }];
    });
    const cells = range(0, room).flatMap((row) => valuesAt(row).map((cell) => ({ position: top + row, ...cell })));
    const added = range(room, height).map((row) => filled(valuesAt(row)));
    const written = grid.edits.write(cells, { rows: added, did: "pasted" });
    // New rows are no range where the order or a filter puts them elsewhere.
    if (added.length && ((await written)?.position !== undefined)) return;
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
}

/** Ask whether a paste may make the table longer by `count` entries. */
function agreed(count) {
  const what = count === 1 ? "1 entry" : `${count.toLocaleString("en")} entries`;
  return confirm({
    title: `Add ${what}?`,
    text: `What you pasted is longer than the table by ${count.toLocaleString("en")} ${count === 1 ? "row" : "rows"}.`,
    label: `Add ${what}`,
  });
}

/** The numbers from `first` to before `end`. */
function range(first, end) {
  return Array.from({ length: Math.max(0, end - first) }, (_, index) => first + index);
}

/** A new entry's values by field key; what is empty is left to the field's default. */
function filled(cells) {
  return Object.fromEntries(cells.filter(({ value }) => value !== null).map(({ key, value }) => [key, value]));
}
