// Every key of the grid in one list: what it is, what it is called, what it does.
import { toEdge } from "./edges.js";
import { openHelp } from "./help.js";
import { isMac } from "./keys.js";

/** [keys, what it does, function(grid), right it needs]. Mod is Ctrl, or ⌘ on a Mac. */
export const KEYS = [
  ["Arrows", [
    ["ArrowUp", "Up", (g) => g.selection.step(-1, 0)],
    ["ArrowDown", "Down", (g) => g.selection.step(1, 0)],
    ["ArrowLeft", "Left", (g) => g.selection.step(0, -1)],
    ["ArrowRight", "Right", (g) => g.selection.step(0, 1)],
    ["Shift+ArrowUp", "Stretch the range up", (g) => g.selection.step(-1, 0, true)],
    ["Shift+ArrowDown", "Stretch the range down", (g) => g.selection.step(1, 0, true)],
    ["Shift+ArrowLeft", "Stretch the range left", (g) => g.selection.step(0, -1, true)],
    ["Shift+ArrowRight", "Stretch the range right", (g) => g.selection.step(0, 1, true)],
  ]],
  ["Far", [
    ["Home", "First column", (g) => home(g, g.selection.row)],
    ["End", "Last column", (g) => g.selection.go(g.selection.row, Infinity)],
    ["Mod+Home", "First cell", (g) => home(g, 0)],
    ["Mod+End", "Last cell", (g) => g.selection.go(Infinity, Infinity)],
    ["PageUp", "A screen up", (g) => g.selection.step(-g.view.page, 0)],
    ["PageDown", "A screen down", (g) => g.selection.step(g.view.page, 0)],
    ["Mod+ArrowUp", "Edge of the filled cells up", (g) => toEdge(g, -1, 0)],
    ["Mod+ArrowDown", "Edge of the filled cells down", (g) => toEdge(g, 1, 0)],
    ["Mod+ArrowLeft", "Edge of the filled cells to the left", (g) => toEdge(g, 0, -1)],
    ["Mod+ArrowRight", "Edge of the filled cells to the right", (g) => toEdge(g, 0, 1)],
    ["Shift+Home", "Stretch to the first column", (g) => stretch(g, null, 0)],
    ["Shift+End", "Stretch to the last column", (g) => stretch(g, null, Infinity)],
    ["Shift+PageUp", "Stretch a screen up", (g) => g.selection.step(-g.view.page, 0, true)],
    ["Shift+PageDown", "Stretch a screen down", (g) => g.selection.step(g.view.page, 0, true)],
    ["Mod+Shift+Home", "Stretch to the first cell", (g) => stretch(g, 0, 0)],
    ["Mod+Shift+End", "Stretch to the last cell", (g) => stretch(g, Infinity, Infinity)],
    ["Mod+Shift+ArrowUp", "Stretch to the edge up", (g) => toEdge(g, -1, 0, true)],
    ["Mod+Shift+ArrowDown", "Stretch to the edge down", (g) => toEdge(g, 1, 0, true)],
    ["Mod+Shift+ArrowLeft", "Stretch to the edge to the left", (g) => toEdge(g, 0, -1, true)],
    ["Mod+Shift+ArrowRight", "Stretch to the edge to the right", (g) => toEdge(g, 0, 1, true)],
  ]],
  ["Select", [
    ["Mod+A", "Everything", (g) => g.selection.widen("all")],
    ["Shift+Space", "Whole rows", (g) => g.selection.widen("rows")],
    ["Mod+Space", "Whole columns", (g) => g.selection.widen("columns")],
    ["Shift+Click", "As far as there"],
    ["Mod+Click", "That cell, row or column as well, or no longer"],
    ["Mod+Drag", "That range as well"],
    ["Escape", "Only the active cell", (g) => g.selection.go(g.selection.row, g.selection.column)],
  ]],
  ["Edit", [
    ["Enter", "Edit the cell", (g) => g.editors.open()],
    ["F2", "Edit the cell", (g) => g.editors.open()],
    ["Tab", "Next cell", (g) => wrap(g, 1)],
    ["Shift+Tab", "Previous cell", (g) => wrap(g, -1)],
    ["Delete", "Empty the cells", (g) => g.edits.clear(), "write"],
    ["Backspace", "Empty the cells", (g) => g.edits.clear(), "write"],
    ["Mod+D", "Fill down from the first row", (g) => g.fill.down(), "write"],
    ["Mod+R", "Fill right from the first column", (g) => g.fill.right(), "write"],
    ["Mod+;", "Today’s date", (g) => g.edits.now(), "write"],
    ["Mod+E", "Let an agent fill in the cells", (g) => g.agents.fill(), "write"],
    ["Mod+Z", "Undo what you did last"],
    ["Mod+Shift+Z", "Redo"],
    ["Mod+Y", "Redo"],
  ]],
  ["Clipboard", [
    ["Mod+C", "Copy"],
    ["Mod+X", "Cut", null, "write"],
    ["Mod+V", "Paste", null, "write"],
  ]],
  ["Entries", [
    ["Space", "Open the entry", (g) => g.panel.open()],
    ["Mod+Enter", "Run a workflow on the selected entries", (g) => g.buttons.open(), "write"],
    ["Shift+Enter", "Add an entry", (g) => g.entries.add(), "write"],
    ["Mod+Backspace", "Delete the selected entries", (g) => g.entries.remove(), "write"],
    ["Mod+Delete", "Delete the selected entries", (g) => g.entries.remove(), "write"],
  ]],
  ["Page", [
    ["/", "Search"],
    ["Mod+F", "Search", (g) => g.toolbar.search()],
    ["Shift+F10", "Menu of the cell", (g) => g.entries.menu()],
    ["Alt+ArrowDown", "Menu of the field", (g) => g.dialogs.menu(g.selection.column)],
    ["?", "All keys", () => openHelp(KEYS)],
  ]],
];

function stretch(grid, row, column) {
  const { selection } = grid;
  grid.selection.go(row ?? selection.toRow, column ?? selection.toColumn, { extend: true });
}

/** Go to the first cell of a row, with the columns after the frozen one in sight. */
function home(grid, row) {
  grid.parts.scroller.scrollLeft = 0;
  grid.selection.go(row, 0);
}

/** Go to the next or previous cell, on to the next or previous row at the end. */
function wrap(grid, step) {
  const { selection, columns } = grid;
  const column = selection.column + step;
  if (column < 0) selection.go(selection.row - 1, Infinity);
  else if (column >= columns.shown.length) home(grid, selection.row + 1);
  else selection.go(selection.row, column);
}

/** Return a key event as it is written in KEYS: "Mod+Shift+ArrowUp". */
function nameOf(event) {
  const key = event.key === " " ? "Space" : event.key.length === 1 ? event.key.toUpperCase() : event.key;
  const shifted = event.shiftKey && (event.key.length > 1 || event.key === " " || /[a-z]/i.test(event.key));
  const mod = isMac ? event.metaKey : event.ctrlKey;
  return [mod && "Mod", event.altKey && "Alt", shifted && "Shift", key].filter(Boolean).join("+");
}

/** Listens on the grid and runs what KEYS says; other characters begin an edit. */
export class Keyboard {
  constructor(grid) {
    this.grid = grid;
    this.actions = new Map(KEYS.flatMap(([, keys]) => keys.map((item) => [item[0], item])));
    grid.parts.scroller.addEventListener("keydown", (event) => this.#press(event));
  }

  #press(event) {
    const { grid } = this;
    if (event.target !== grid.parts.scroller) return;
    const [, , run, right] = this.actions.get(nameOf(event)) ?? [];
    if (run) {
      if (this.#leaves(event)) return;
      event.preventDefault();
      if (!right || grid.rights[right]) run(grid);
      return;
    }
    const composing = event.isComposing || event.key === "Process" || event.key === "Dead";
    const types = event.key.length === 1 && !event.ctrlKey && !event.metaKey && event.key !== "/";
    if (!composing && !types) return;
    grid.editors.open({ replace: composing ? "" : event.key });
    if (!composing) event.preventDefault();
  }

  /** Tab past the first or last cell goes on to the rest of the page. */
  #leaves(event) {
    if (event.key !== "Tab") return false;
    const { selection, columns, store } = this.grid;
    if (event.shiftKey) return selection.column === 0 && selection.row === 0;
    return selection.column === columns.shown.length - 1 && selection.row >= store.count - 1;
  }
}
