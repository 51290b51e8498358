// Rectangles of cells: {top, bottom, left, right}, all inclusive.

/** Whether a cell lies in a rectangle. */
export function holds({ top, bottom, left, right }, row, column) {
  return row >= top && row <= bottom && column >= left && column <= right;
}

/** Return rectangles that cover the same cells as `rects`, none of them twice. */
export function disjoint(rects) {
  const made = [];
  for (const rect of rects) {
    let rest = [rect];
    for (const other of made) rest = rest.flatMap((piece) => without(piece, other));
    made.push(...rest);
  }
  return made;
}

/** Return what is left of `rect` when `other` is cut out of it: up to four rectangles. */
function without(rect, other) {
  const { top, bottom, left, right } = rect;
  const apart = other.top > bottom || other.bottom < top || other.left > right || other.right < left;
  if (apart) return [rect];
  const [high, low] = [Math.max(top, other.top), Math.min(bottom, other.bottom)];
  return [
    { top, bottom: high - 1, left, right },
    { top: low + 1, bottom, left, right },
    { top: high, bottom: low, left, right: other.left - 1 },
    { top: high, bottom: low, left: other.right + 1, right },
  ].filter((piece) => piece.top <= piece.bottom && piece.left <= piece.right);
}

/** Return the rows of `rects` as spans [first, last] in order, none touching the next. */
export function spansOfRows(rects) {
  const spans = [];
  for (const { top, bottom } of [...rects].sort((a, b) => a.top - b.top)) {
    const last = spans.at(-1);
    if (last && top <= last[1] + 1) last[1] = Math.max(last[1], bottom);
    else spans.push([top, bottom]);
  }
  return spans;
}

/** How many rows spans have in all. */
export function rowsIn(spans) {
  return spans.reduce((sum, [first, last]) => sum + last - first + 1, 0);
}

/**
 * Return how `rects` are copied as one table: {rows: [positions], columns: [indexes]}. They must
 * lie side by side in the same rows, or below each other in the same columns; null otherwise.
 */
export function asTable(rects) {
  const same = (...names) => rects.every((rect) => names.every((name) => rect[name] === rects[0][name]));
  const all = (first, last) => [...new Set(rects.flatMap((rect) => upTo(rect[first], rect[last])))].sort((a, b) => a - b);
  if (!same("top", "bottom") && !same("left", "right")) return null;
  return { rows: all("top", "bottom"), columns: all("left", "right") };
}

function upTo(first, last) {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}
