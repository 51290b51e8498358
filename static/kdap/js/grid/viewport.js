// Which rows can be seen. The browser scrolls natively; this only says what to draw.
//
// Browsers cut elements at some 17 to 33 million pixels, so past TALLEST the scroll range is
// shorter than the rows are: `drift` is how far a row lies from where it would be drawn. Small
// movements leave it as it is, so that the wheel moves exact pixels; jumps set it anew. At both
// ends (EXACT) one drawn pixel is one true pixel, so that the first and last row are reached.

const TALLEST = 12_000_000;
const EXACT = 100_000;
const OVERSCAN = 6;

/** The window on the rows: `first`…`last` (positions) and `left`…`right` (column indexes). */
export class Viewport {
  constructor(grid, scroller, canvas) {
    Object.assign(this, { grid, scroller, canvas });
    this.drift = 0;
    this.seen = 0;
    this.first = this.last = 0;
    this.#measure();
    scroller.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    new ResizeObserver(() => this.#resized()).observe(scroller);
    grid.on("extent", () => this.#sized());
    grid.on("columns", () => this.#sized());
    grid.on("columns:rebuilt", () => this.#sized());
  }

  get rowHeight() {
    return this.grid.columns.height;
  }

  /** Height of all rows, with the line below them for adding one. */
  get whole() {
    return this.grid.store.count * this.rowHeight + this.rowHeight + 24;
  }

  /** Height that rows can be seen in, between header and sums. */
  get open() {
    return this.sizes.open;
  }

  get top() { return this.sizes.top; }
  get bottom() { return this.sizes.bottom; }

  /** Sizes of the window, read when they change: to read them in a frame makes a layout. */
  #measure() {
    const { scroller } = this;
    const { head, foot } = this.grid.parts;
    const [top, bottom] = [head.offsetHeight, foot.offsetHeight];
    const open = Math.max(0, scroller.clientHeight - top - bottom);
    this.sizes = { top, bottom, open, width: scroller.clientWidth };
  }

  /** Distance of the first visible pixel from the first row's top, in true pixels. */
  get y() {
    return this.scroller.scrollTop + this.drift;
  }

  /** Where a row is drawn within the canvas. */
  drawnAt(position) {
    return position * this.rowHeight - this.drift;
  }

  #sized() {
    const { canvas, grid } = this;
    canvas.style.height = `${Math.max(Math.min(this.whole, TALLEST), this.open)}px`;
    for (const part of [canvas, grid.parts.head, grid.parts.foot]) {
      part.style.width = `${grid.columns.total + (part === canvas ? 0 : 48)}px`;
    }
    this.#settle(this.y);
    this.update();
  }

  #resized() {
    this.#measure();
    this.grid.emit("columns");
  }

  #scrolled() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      const moved = this.scroller.scrollTop - this.seen;
      if (this.whole > TALLEST) this.#redrift(moved);
      this.seen = this.scroller.scrollTop;
      this.update();
    });
  }

  /** Choose the drift after a movement of `moved` drawn pixels. */
  #redrift(moved) {
    const { scrollTop } = this.scroller;
    const [range, most] = this.#ranges();
    if (Math.abs(moved) > this.open * 3) {
      this.drift = Math.round(stretch(scrollTop, range, most) - scrollTop);
    } else if (scrollTop < this.open || scrollTop > range - this.open) {
      this.#settle(this.y);
    }
  }

  /** How far one can scroll, in drawn and in true pixels. */
  #ranges() {
    const most = Math.max(0, this.whole - this.open);
    return [Math.min(most, TALLEST - this.open), most];
  }

  /** Put the true distance `y` where it belongs in the scroll range. */
  #settle(y) {
    const [range, most] = this.#ranges();
    const target = Math.min(Math.max(0, y), most);
    const top = range < most ? Math.round(stretch(target, most, range)) : target;
    this.drift = Math.round(target - top);
    if (Math.abs(this.scroller.scrollTop - top) >= 1) this.scroller.scrollTop = top;
    this.seen = this.scroller.scrollTop;
  }

  /** Find out what can be seen and have it drawn. */
  update() {
    const { store, columns } = this.grid;
    const { scrollLeft } = this.scroller;
    const { width } = this.sizes;
    const first = Math.floor(this.y / this.rowHeight);
    const shown = Math.ceil(this.open / this.rowHeight);
    this.firstSeen = Math.max(0, first);
    this.first = Math.max(0, first - OVERSCAN);
    this.last = Math.min(store.count - 1, first + shown + OVERSCAN);
    [this.left, this.right] = columns.between(scrollLeft + columns.frozen - 200, scrollLeft + width + 200);
    store.forsake(this.first, this.last);
    if (!store.has(this.first, Math.max(this.first, this.last))) this.#fetch();
    this.grid.emit("draw");
  }

  /** Fetch soon, but not for every row that a dragged scrollbar passes. */
  #fetch() {
    clearTimeout(this.fetching);
    this.fetching = setTimeout(() => this.grid.store.need(this.first, this.last), this.waited ? 60 : 0);
    this.waited = true;
    clearTimeout(this.calm);
    this.calm = setTimeout(() => { this.waited = false; }, 200);
  }

  /** Rows that fit in the window. */
  get page() {
    return Math.max(1, Math.floor(this.open / this.rowHeight) - 1);
  }

  /** Scroll as little as needed for a cell to be seen. */
  reveal(position, index) {
    const [top, height] = [position * this.rowHeight, this.rowHeight];
    if (top < this.y) this.to(top);
    else if (top + height > this.y + this.open) this.to(top + height - this.open);
    this.#revealColumn(index);
  }

  #revealColumn(index) {
    const { columns } = this.grid;
    const column = columns.shown[index];
    if (!column || (index === 0 && !columns.isPhone)) return;
    const { scrollLeft, clientWidth } = this.scroller;
    const room = clientWidth - columns.frozen;
    const start = column.left - columns.frozen;
    if (start < scrollLeft) this.scroller.scrollLeft = start;
    else if (start + column.width > scrollLeft + room) {
      this.scroller.scrollLeft = Math.min(start, start + column.width - room);
    }
  }

  /** Bring the true distance `y` to the top of the window. */
  to(y) {
    const near = Math.abs(y - this.y) < this.open * 3;
    const top = y - this.drift;
    const [range] = this.#ranges();
    if (near && top > 0 && top < range) {
      this.scroller.scrollTop = top;
      this.seen = this.scroller.scrollTop;
    } else {
      this.#settle(y);
    }
    this.update();
  }
}

/** Map a distance in a range `from` long to one `to` long, true to the pixel at both ends. */
function stretch(distance, from, to) {
  if (distance <= EXACT) return distance;
  if (distance >= from - EXACT) return to - (from - distance);
  return EXACT + ((distance - EXACT) * (to - 2 * EXACT)) / (from - 2 * EXACT);
}
