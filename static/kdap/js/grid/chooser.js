// The editor for values out of a list: type to find, arrows to move, Enter to take.
import { icon } from "../toast.js";
import { person, pill } from "./cells.js";
import { part } from "./dialogs.js";

/** What can be chosen in a field: [{value, label, element()}]. */
export function optionsOf(field, grid) {
  if (field.editor === "user") {
    return [...grid.people.values()].map((who) => ({
      value: who.id, label: `${who.name} ${who.email}`, element: () => person(who),
    }));
  }
  return (field.options.choices ?? []).map(({ label }) => ({
    value: label, label, element: () => pill(label, field),
  }));
}

/** Return the editor for one or several out of a list. */
export function chooser({ grid, field, value, replace, done }) {
  const several = field.editor === "choices";
  const before = JSON.stringify(value ?? null);
  const chosen = new Set(several ? (value ?? []) : value === null ? [] : [value]);
  const all = optionsOf(field, grid);
  const element = part("div", "cell-chooser");
  const input = part("input", "cell-input");
  const list = part("div", "cell-options");
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-multiselectable", String(several));
  list.id = "cell-options";
  Object.assign(input, { type: "text", autocomplete: "off", spellcheck: false, placeholder: "Find…" });
  input.setAttribute("role", "combobox");
  input.setAttribute("aria-label", field.label);
  input.setAttribute("aria-expanded", "true");
  input.setAttribute("aria-controls", list.id);
  input.value = replace ?? "";
  element.append(input, list);
  let shown = [];
  let at = 0;

  function draw() {
    const words = input.value.trim().toLowerCase();
    shown = all.filter((option) => option.label.toLowerCase().includes(words));
    if (!words && !field.required) shown.unshift({ value: null, label: "Nothing" });
    at = Math.min(at, Math.max(0, shown.length - 1));
    list.replaceChildren(...shown.map(row));
    if (!shown.length) list.append(part("div", "cell-none", "No such choice"));
    point();
  }

  function row(option, index) {
    const made = part("div", "cell-option");
    const on = option.value === null ? chosen.size === 0 : chosen.has(option.value);
    made.setAttribute("role", "option");
    made.setAttribute("aria-selected", String(on));
    made.id = `cell-option-${index}`;
    made.append(option.element ? option.element() : part("span", "faint", "Empty"));
    if (on) made.append(icon("check"));
    made.addEventListener("mousedown", (event) => event.preventDefault());
    made.addEventListener("click", () => take(option));
    return made;
  }

  function point() {
    [...list.children].forEach((child, index) => child.classList.toggle("is-at", index === at));
    list.children[at]?.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", `cell-option-${at}`);
  }

  function take(option) {
    if (!option) return;
    if (!several || option.value === null) {
      chosen.clear();
      if (option.value !== null) chosen.add(option.value);
      if (!several) {
        done({ commit: true });
        return;
      }
    } else if (!chosen.delete(option.value)) {
      chosen.add(option.value);
    }
    input.value = "";
    draw();
  }

  input.addEventListener("input", () => { at = 0; draw(); });
  const first = all.findIndex((option) => chosen.has(option.value));
  at = input.value ? 0 : Math.max(0, first + (field.required ? 0 : 1));
  draw();
  return {
    element,
    hasList: true,
    focus: () => input.focus(),
    read() {
      const inOrder = all.map((option) => option.value).filter((item) => chosen.has(item));
      const now = several ? (inOrder.length ? inOrder : null) : (inOrder[0] ?? null);
      return JSON.stringify(now) === before ? undefined : now;
    },
    press(event) {
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) {
        at = (at + step + shown.length) % Math.max(1, shown.length);
        point();
      } else if (event.key === "Enter" && !(several && !input.value && event.ctrlKey)) {
        if (several && !input.value && shown[at] && chosen.has(shown[at].value)) return false;
        take(shown[at]);
      } else if (event.key === " " && several && !input.value) {
        take(shown[at]);
      } else {
        if (event.key === "Tab" && input.value && shown[at]) take(shown[at]);
        return false;
      }
      event.preventDefault();
      event.stopPropagation();
      return true;
    },
  };
}
