// The header: names of the fields, menus, widths and order by dragging.
import { icon } from "../toast.js";
import { button, part } from "./dialogs.js";
import { follow } from "./pointer.js";
import { adds } from "./selection.js";

const HIDES_BELOW = 28;

/** The header row. */
export class Head {
  constructor(grid) {
    this.grid = grid;
    this.element = grid.parts.head;
    this.element.setAttribute("aria-rowindex", "1");
    grid.on("columns:rebuilt", () => this.draw());
    grid.on("draw", () => this.#window());
    grid.on("sorts", () => this.draw());
    grid.on("extent", () => this.#count());
    grid.on("look", () => this.#mark());
    this.element.addEventListener("pointerdown", (event) => this.#down(event));
    this.element.addEventListener("dblclick", (event) => this.#double(event));
    this.element.addEventListener("contextmenu", (event) => this.#menu(event));
  }

  #count() {
    const { scroller } = this.grid.parts;
    const { store, columns } = this.grid;
    scroller.setAttribute("aria-rowcount", store.exact ? store.count + 1 : -1);
    scroller.setAttribute("aria-colcount", columns.shown.length);
  }

  /** Draw all headers anew. */
  draw() {
    const { grid } = this;
    this.corner = part("div", "grid-frozen");
    this.corner.setAttribute("role", "presentation");
    const corner = part("div", "grid-rowhead grid-corner");
    corner.setAttribute("role", "columnheader");
    corner.append(button("", "grid-all", () => grid.selection.widen("all"), "table", "Select everything"));
    this.corner.append(corner);
    this.cells = new Map();
    this.element.replaceChildren(this.corner);
    this.window = "";
    if (grid.rights.structure) this.element.append(this.#plus());
    if (grid.view) this.#window();
    this.#count();
  }

  #plus() {
    const plus = button("", "grid-plus btn-quiet", () => this.grid.dialogs.add(), "plus", "Add a field");
    plus.setAttribute("role", "columnheader");
    this.plus = plus;
    return plus;
  }

  /** Keep headers only for the columns that can be seen. */
  #window() {
    const { view, columns } = this.grid;
    if (this.plus) this.plus.style.left = `${columns.total}px`;
    const window = `${view.left}-${view.right}`;
    if (window === this.window) return;
    this.window = window;
    const frozen = !columns.isPhone;
    for (const [index, cell] of this.cells) {
      if ((frozen && index === 0) || (index >= view.left && index <= view.right)) continue;
      cell.remove();
      this.cells.delete(index);
    }
    if (frozen) this.#add(0, this.corner);
    for (let index = view.left; index <= view.right; index++) this.#add(index, this.element);
    this.#mark();
  }

  #add(index, parent) {
    const column = this.grid.columns.shown[index];
    if (!column || this.cells.has(index)) return;
    const { field } = column;
    const cell = part("div", `grid-th c-${index}`);
    cell.setAttribute("role", "columnheader");
    cell.setAttribute("aria-colindex", index + 1);
    cell.dataset.index = index;
    cell.title = field.description || field.label;
    const name = part("span", "grid-th-name", field.label);
    cell.append(icon(field.icon), name);
    if (field.required) cell.append(part("span", "grid-th-must", "*"));
    this.#sorted(cell, field);
    cell.append(
      button("", "grid-th-menu", () => this.grid.dialogs.menu(index, cell), "chevron-down", `Menu of ${field.label}`),
      part("span", "grid-th-edge"),
    );
    cell.querySelector(".grid-th-menu").tabIndex = -1;
    this.cells.set(index, cell);
    parent.append(cell);
  }

  #sorted(cell, field) {
    const sort = this.grid.filters.sorts.find((key) => key.replace("-", "") === field.key);
    if (!sort) return;
    const down = sort.startsWith("-");
    cell.setAttribute("aria-sort", down ? "descending" : "ascending");
    cell.append(icon(down ? "arrow-down" : "arrow-up"));
  }

  #mark() {
    const { rects } = this.grid.selection;
    for (const [index, cell] of this.cells ?? []) {
      cell.classList.toggle("is-selected", rects.some(({ left, right }) => index >= left && index <= right));
    }
  }

  /** The header's element of a column that is drawn. */
  cell(index) {
    return this.cells.get(index);
  }

  #hit(event) {
    const cell = event.target.closest(".grid-th");
    return cell ? Number(cell.dataset.index) : -1;
  }

  #down(event) {
    const index = this.#hit(event);
    if (index < 0 || event.button > 0 || event.target.closest("button")) return;
    event.preventDefault();
    this.grid.focus();
    if (event.target.classList.contains("grid-th-edge")) this.#resize(event, index);
    else this.#press(event, index);
  }

  #double(event) {
    const index = this.#hit(event);
    if (index < 0 || event.target.closest("button")) return;
    if (event.target.classList.contains("grid-th-edge")) this.#fit(index);
    else if (this.grid.rights.structure) this.grid.dialogs.edit(this.grid.columns.shown[index].field);
  }

  #menu(event) {
    const index = this.#hit(event);
    if (index < 0) return;
    event.preventDefault();
    this.grid.dialogs.menu(index, this.cells.get(index));
  }

  #resize(start, index) {
    const { columns } = this.grid;
    const before = columns.shown[index].width;
    let wanted = before;
    follow(start, (event) => {
      wanted = before + event.clientX - start.clientX;
      columns.resize(index, wanted);
      this.cells.get(index)?.classList.toggle("is-leaving", wanted < HIDES_BELOW);
    }, () => {
      if (wanted >= HIDES_BELOW) {
        columns.save();
        return;
      }
      const { field } = columns.shown[index];
      columns.state.widths[field.id] = before;
      columns.toggle(field, false);
      this.grid.tell(`“${field.label}” is hidden. The button “Fields” shows it again.`, "info");
    });
  }

  /** Make a column as wide as what can be seen of it. */
  #fit(index) {
    const { columns, view, render } = this.grid;
    const context = document.createElement("canvas").getContext("2d");
    context.font = getComputedStyle(this.element).font;
    let width = context.measureText(columns.shown[index].field.label).width + 70;
    for (let row = view.first; row <= view.last; row++) {
      width = Math.max(width, context.measureText(render.text(row, index)).width + 34);
    }
    columns.resize(index, Math.min(width, 480));
    columns.save();
  }

  /** A press selects the column; moving on drags it to another place. */
  #press(start, index) {
    const { grid } = this;
    let target = null;
    let ghost = null;
    follow(start, (event) => {
      if (!ghost && Math.abs(event.clientX - start.clientX) < 6) return;
      ghost ??= this.#ghost(index);
      ghost.style.left = `${event.clientX + 8}px`;
      ghost.style.top = `${event.clientY + 8}px`;
      target = this.#gap(event.clientX);
    }, () => {
      ghost?.remove();
      this.line?.remove();
      if (ghost) {
        if (target !== null && target !== index && target !== index + 1) grid.columns.move(index, target);
        return;
      }
      const { selection } = grid;
      const extend = start.shiftKey && selection.mode === "columns";
      const add = adds(start);
      if (add && selection.drop(0, index, "columns")) return;
      selection.go(Math.max(0, grid.view.firstSeen), index, { extend, add, mode: "columns", reveal: false });
    });
  }

  #ghost(index) {
    const ghost = part("div", "grid-ghost", this.grid.columns.shown[index].field.label);
    document.body.append(ghost);
    this.line = part("div", "grid-drop");
    this.element.append(this.line);
    return ghost;
  }

  /** The gap between columns that a point is nearest to, shown as a line. */
  #gap(clientX) {
    const { columns, parts } = this.grid;
    const x = clientX - parts.scroller.getBoundingClientRect().left;
    const across = x < columns.frozen ? x : x + parts.scroller.scrollLeft;
    let gap = columns.shown.findIndex((column) => across < column.left + column.width / 2);
    if (gap < 0) gap = columns.shown.length;
    this.line.style.left = `${(columns.shown[gap]?.left ?? columns.total) - 1}px`;
    return gap;
  }
}
