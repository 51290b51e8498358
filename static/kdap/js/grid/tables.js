// Tables as text: what spreadsheets put on the clipboard, and what they take from it.

/** Return the rows of tab-separated text; quoted cells may hold tabs and line breaks. */
export function parseTabs(text) {
  const rows = [[]];
  let at = 0;
  const clean = text.replace(/\r\n?/g, "\n").replace(/\n$/, "");
  while (at <= clean.length) {
    const quoted = clean[at] === '"' ? /"((?:[^"]|"")*)"(?=\t|\n|$)/y : null;
    if (quoted) quoted.lastIndex = at;
    const found = quoted?.exec(clean);
    const end = found ? at + found[0].length : nextBreak(clean, at);
    rows.at(-1).push(found ? found[1].replaceAll('""', '"') : clean.slice(at, end));
    if (clean[end] === "\n") rows.push([]);
    at = end + 1;
  }
  return rows;
}

function nextBreak(text, from) {
  let at = from;
  while (at < text.length && text[at] !== "\t" && text[at] !== "\n") at++;
  return at;
}

/** Return the rows of the first table in HTML, or null when there is none. */
export function parseHtml(html) {
  const table = new DOMParser().parseFromString(html, "text/html").querySelector("table");
  if (!table) return null;
  return [...table.rows].map((row) => [...row.cells].flatMap((cell) => {
    const copy = cell.cloneNode(true);
    for (const element of copy.querySelectorAll("br")) element.replaceWith("\n");
    // A source's own indentation is no part of its text; only <br> breaks lines.
    const lines = copy.textContent.split("\n").map((line) => line.replace(/\s+$/, ""));
    const text = cell.querySelector("br") ? lines.join("\n").trim() : copy.textContent.replace(/\s+/g, " ").trim();
    return [text, ...Array(Math.max(0, cell.colSpan - 1)).fill("")];
  }));
}

/** Return what was pasted as rows of texts; HTML when the text alone is ragged or missing. */
export function readClipboard({ text, html }) {
  const tabs = text ? parseTabs(text) : null;
  const ragged = !tabs || tabs.some((row) => row.length !== tabs[0].length);
  const table = html && ragged ? parseHtml(html) : null;
  const rows = table?.length ? table : (tabs ?? []);
  const width = Math.max(0, ...rows.map((row) => row.length));
  return rows.map((row) => [...row, ...Array(width - row.length).fill("")]);
}

/** Return rows of texts as tab-separated text. */
export function toTabs(rows) {
  const cell = (text) => (/[\t\n\r"]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
  return rows.map((row) => row.map(cell).join("\t")).join("\n");
}

/** Return rows of texts as an HTML table. */
export function toHtml(rows) {
  const escape = (text) => text
    .replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
    .replaceAll("\n", "<br>");
  const lines = rows.map((row) => `<tr>${row.map((text) => `<td>${escape(text)}</td>`).join("")}</tr>`);
  return `<meta charset="utf-8"><table>${lines.join("")}</table>`;
}
