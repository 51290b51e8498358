// How values look in cells, and how they read as text.
const decimals = new Map();

/** Return a number (exact, as text) with thousands separated and `scale` digits, or as it is. */
export function readable(value, scale) {
  if (!decimals.has(scale)) {
    const digits = scale === undefined
      ? { maximumFractionDigits: 20 }
      : { minimumFractionDigits: scale, maximumFractionDigits: scale };
    decimals.set(scale, new Intl.NumberFormat("en", digits));
  }
  return decimals.get(scale).format(value);
}

/** Return a decimal text times 100, exactly: "0.125" is "12.5". */
export function percent(value, scale) {
  const [, sign, whole, part = ""] = /^(-?)(\d+)(?:\.(\d*))?$/.exec(String(value)) ?? [];
  if (whole === undefined) return String(value);
  const digits = part.padEnd(2 + scale, "0");
  const before = `${whole}${digits.slice(0, 2)}`.replace(/^0+(?=\d)/, "");
  const after = digits.slice(2, 2 + scale);
  return `${sign}${before}${after ? `.${after}` : ""}`;
}

const moments = new Map();

/** Return an ISO moment as "2026-05-31 14:30" in the person's time zone. */
export function moment(value, zone) {
  if (!moments.has(zone)) {
    moments.set(zone, new Intl.DateTimeFormat("sv-SE", {
      timeZone: zone, dateStyle: "short", timeStyle: "short",
    }));
  }
  const date = new Date(value);
  return Number.isNaN(date.getTime()) ? String(value) : moments.get(zone).format(date);
}

const text = (value) => String(value);

/** What a value reads like when it is copied, edited or announced, by editor. */
const TEXTS = {
  boolean: (value) => (value ? "TRUE" : "FALSE"),
  choices: (value) => value.join(", "),
  percent: (value, field) => `${percent(value, field.options.scale ?? 2)}%`,
  datetime: (value, field, grid) => moment(value, grid.data.zone),
  user: (value, field, grid) => grid.people.get(value)?.email ?? value,
  json: (value) => JSON.stringify(value),
};

/** Return a cell's value as text. */
export function textOf(value, field, grid) {
  if (value === null || value === undefined) return "";
  return (TEXTS[field.editor] ?? text)(value, field, grid);
}

/**
 * What a cell shows, by editor: a text, or an element. `old` is the element it showed before,
 * which is changed where it is alike: to make elements is what takes time while scrolling.
 */
const LOOKS = {
  number: (value, field) => number(value, field),
  percent: (value, field) => `${percent(value, field.options.scale ?? 2)} %`,
  boolean: (value, field, grid, old) => check(value, old),
  rating: (value, field, grid, old) => stars(value, field.options.stars ?? 5, old),
  choice: (value, field, grid, old) => pill(value, field, old),
  choices: (value, field) => several(value.map((item) => pill(item, field))),
  url: (value) => link(value, value.replace(/^https?:\/\/(www\.)?/, "")),
  email: (value) => link(`mailto:${value}`, value),
  phone: (value) => link(`tel:${value}`, value),
  user: (value, field, grid) => person(grid.people.get(value)),
  long_text: (value) => value.slice(0, 600),
};

/** Put a value into a cell's element. */
export function paint(cell, value, field, grid) {
  const look = LOOKS[field.editor] ?? TEXTS[field.editor] ?? text;
  const old = cell.firstElementChild;
  const made = value === null || value === undefined ? "" : look(value, field, grid, old);
  if (typeof made !== "string") {
    if (made !== old || cell.childNodes.length > 1) cell.replaceChildren(made);
  } else if (cell.firstChild?.nodeType === Node.TEXT_NODE && cell.childNodes.length === 1) {
    cell.firstChild.data = made;
  } else {
    cell.textContent = made;
  }
}

const SIGNS = { EUR: "€", USD: "$", GBP: "£", JPY: "¥" };

function number(value, field) {
  // A whole number is as often a year or an id as a count: no separators.
  if (field.type === "integer") return String(value);
  const { scale, currency } = field.options;
  const amount = readable(value, scale);
  return currency ? `${amount} ${SIGNS[currency] ?? currency}` : amount;
}

function element(tag, css, content) {
  const made = document.createElement(tag);
  made.className = css;
  if (typeof content === "string") made.textContent = content;
  else if (content) made.append(content);
  return made;
}

function check(value, old) {
  const box = alike(old, "cell-check") ?? element("span", "cell-check");
  box.className = value ? "cell-check is-on" : "cell-check";
  box.role = "img";
  box.setAttribute("aria-label", value ? "checked" : "not checked");
  return box;
}

function stars(value, most, old) {
  const made = alike(old, "cell-stars") ?? element("span", "cell-stars", " ");
  if (!made.firstElementChild) made.append(element("span", "cell-stars-off", " "));
  made.firstChild.data = "★".repeat(value);
  made.lastChild.firstChild.data = "★".repeat(Math.max(0, most - value));
  made.setAttribute("role", "img");
  made.setAttribute("aria-label", `${value} of ${most}`);
  return made;
}

/** Return a choice as a coloured pill. */
export function pill(label, field, old) {
  const item = (field.options.choices ?? []).find((choice) => choice.label === label);
  const made = alike(old, "pill") ?? element("span", "", label);
  made.className = `pill hue-${item?.color ?? "gray"}`;
  made.firstChild.data = label;
  return made;
}

function alike(old, css) {
  return old?.classList.contains(css) ? old : null;
}

function several(items) {
  const made = element("span", "cell-pills");
  made.append(...items);
  return made;
}

function link(href, label) {
  const made = element("a", "cell-link", label);
  made.href = href;
  made.target = "_blank";
  made.rel = "noopener noreferrer";
  made.tabIndex = -1;
  return made;
}

/** Return a person with their initials. */
export function person(who) {
  if (!who) return element("span", "faint", "someone who left");
  const made = element("span", "cell-person");
  const initials = who.name.split(/\s+/).map((word) => word[0]).slice(0, 2).join("");
  const face = element("span", `avatar avatar-sm hue-${hueOf(who.id)}`, initials);
  face.setAttribute("aria-hidden", "true");
  made.append(face, who.name);
  return made;
}

const HUES = ["blue", "violet", "teal", "amber", "pink", "green", "cyan", "orange", "lime", "red"];

function hueOf(id) {
  let sum = 0;
  for (const character of id) sum += character.charCodeAt(0);
  return HUES[sum % HUES.length];
}
