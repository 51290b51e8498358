// What people write for a value, turned into what the server reads. Never guesses: what could
// mean two things goes to the server as it is, which refuses it with a sentence.

const DAYS = { yesterday: -1, today: 0, now: 0, tomorrow: 1 };

/**
 * Return the text of a cell as the server takes it; null for empty. `typed` is for what was typed
 * into one cell, where 12 in a percent field means 12 %.
 */
export function understood(text, field, { typed = false } = {}) {
  const trimmed = text.trim();
  if (!trimmed) return null;
  if (field.editor === "date") return readDay(trimmed) ?? trimmed;
  if (field.editor === "datetime") return readMoment(trimmed);
  if (typed && field.editor === "percent" && /^[\d.,()+\-\s]+$/.test(trimmed)) return `${trimmed}%`;
  return text;
}

/** Return a day as ISO text, `offset` days from today in the person's calendar. */
export function today(offset = 0) {
  const day = new Date();
  day.setDate(day.getDate() + offset);
  return iso(day.getFullYear(), day.getMonth() + 1, day.getDate());
}

function iso(year, month, day) {
  return `${String(year).padStart(4, "0")}-${String(month).padStart(2, "0")}-${String(day).padStart(2, "0")}`;
}

function readDay(text) {
  if (text.toLowerCase() in DAYS) return today(DAYS[text.toLowerCase()]);
  const dotted = /^(\d{1,2})\.(\d{1,2})\.(\d{4})$/.exec(text);
  if (dotted) return iso(dotted[3], dotted[2], dotted[1]);
  const big = /^(\d{4})[/.](\d{1,2})[/.](\d{1,2})$/.exec(text);
  if (big) return iso(big[1], big[2], big[3]);
  const slashed = /^(\d{1,2})\/(\d{1,2})\/(\d{4})$/.exec(text);
  if (!slashed) return null;
  const [first, second] = [Number(slashed[1]), Number(slashed[2])];
  if (second > 12) return iso(slashed[3], first, second);
  if (first > 12 || first === second) return iso(slashed[3], second, first);
  return null;
}

function readMoment(text) {
  if (text.toLowerCase() === "now") return new Date().toISOString();
  const [, day, time] = /^(\S+)(?:[ T]+(\d{1,2}:\d{2}.*))?$/.exec(text) ?? [];
  const read = day && readDay(day);
  return read ? `${read}${time ? ` ${time.padStart(5, "0")}` : ""}` : text;
}
