// The list of all keys.
import { openDialog } from "./dialogs.js";
import { isMac } from "./keys.js";

const SIGNS = {
  ArrowUp: "↑", ArrowDown: "↓", ArrowLeft: "←", ArrowRight: "→", Mod: isMac ? "⌘" : "Ctrl",
  Escape: "Esc", PageUp: "PgUp", PageDown: "PgDn",
};

/** Show every key of `groups`, the list that the keyboard obeys, in a dialog. */
export function openHelp(groups) {
  const list = document.createElement("div");
  list.className = "grid-keys";
  for (const [title, keys] of groups) list.append(group(title, keys));
  const dialog = openDialog({ title: "Keys of the grid", body: list, wide: true });
  dialog.querySelector(".dialog-body").tabIndex = 0; // so that keys can scroll it
}

function group(title, keys) {
  const section = document.createElement("section");
  const heading = document.createElement("h3");
  heading.textContent = title;
  const terms = document.createElement("dl");
  for (const [combination, label] of keys) {
    const term = document.createElement("dt");
    for (const key of combination.split("+")) {
      const made = document.createElement("kbd");
      made.textContent = SIGNS[key] ?? key;
      term.append(made);
    }
    const what = document.createElement("dd");
    what.textContent = label;
    terms.append(term, what);
  }
  section.append(heading, terms);
  return section;
}
