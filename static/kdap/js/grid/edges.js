// Ctrl with an arrow: to the edge of the filled cells, over rows that were never fetched too.
import { get } from "./api.js";

/**
 * Move to the edge of the filled cells, by `rows` or `columns` of -1 or 1: to the last filled cell
 * when the next one is filled, else to the next filled one, else to the end. `extend` stretches.
 */
export async function toEdge(grid, rows, columns, extend = false) {
  const { selection, store } = grid;
  // The loose end moves, along the row or column of the active cell.
  const row = extend && rows ? selection.toRow : selection.row;
  const column = extend && columns ? selection.toColumn : selection.column;
  if (!store.count) return;
  const before = selection.moves;
  if (rows && !store.exact) await store.measure();
  const target = await targetOf(grid, row, column, rows, columns);
  if (target === null || selection.moves !== before) return;
  if (columns && !target.column) grid.parts.scroller.scrollLeft = 0;
  if (!extend) selection.go(target.row, target.column);
  else if (rows) selection.go(target.row, selection.toColumn, { extend, mode: selection.mode });
  else selection.go(selection.toRow, target.column, { extend, mode: selection.mode });
}

async function targetOf(grid, row, column, rows, columns) {
  try {
    return rows ? await vertical(grid, row, column, rows) : await horizontal(grid, row, column, columns);
  } catch (error) {
    grid.failed(error);
    return null;
  }
}

async function horizontal(grid, row, column, step) {
  await grid.store.need(row, row);
  const last = grid.columns.shown.length - 1;
  const filled = (index) => isFilled(grid, row, index);
  let at = column + step;
  if (at < 0 || at > last) return null;
  const run = filled(column) && filled(at);
  while (at >= 0 && at <= last && filled(at) === run) at += step;
  if (run) at -= step;
  return { row, column: Math.min(Math.max(0, at), last) };
}

async function vertical(grid, row, column, step) {
  const { store } = grid;
  const last = store.count - 1;
  const next = row + step;
  if (next < 0 || next > last) return null;
  await Promise.all([store.need(row, row), store.need(next, next)]);
  const run = isFilled(grid, row, column) && isFilled(grid, next, column);
  const found = await seek(grid, next, column, step, !run);
  if (found === null) return { row: step > 0 ? last : 0, column };
  return { row: run ? found - step : found, column };
}

/** Return the first position from `at` on whose cell is filled (or empty), or null. */
async function seek(grid, at, column, step, filled) {
  const { store } = grid;
  let position = at;
  while (position >= 0 && position < store.count && store.row(position)) {
    if (isFilled(grid, position, column) === filled) return position;
    position += step;
  }
  if (position < 0 || position >= store.count) return null;
  const { key } = grid.columns.shown[column].field;
  const asked = { key, sought: filled ? "filled" : "empty", way: step > 0 ? "down" : "up", start: position };
  return (await get(grid.urls.edge, { ...grid.address(), ...asked })).position;
}

function isFilled(grid, position, index) {
  const value = grid.store.row(position)?.[grid.columns.shown[index].at];
  return value !== null && value !== undefined;
}
