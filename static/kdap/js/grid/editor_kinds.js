// The editors, one function a kind. Each returns {element, focus, read, press?}: `read` gives the
// value to write, undefined when nothing changed; `press` returns true for keys it keeps.
import { part } from "./dialogs.js";
import { icon } from "../toast.js";
import { chooser } from "./chooser.js";
import { understood } from "./words.js";

const KINDS = {
  long_text: area,
  json: area,
  rating,
  date: withPicker("date"),
  datetime: withPicker("datetime-local"),
  choice: chooser,
  choices: chooser,
  user: chooser,
};

/** Return the editor for a context {grid, field, value, text, replace, done}. */
export function makeEditor(context) {
  return (KINDS[context.field.editor] ?? line)(context);
}

const MODES = { number: "decimal", percent: "decimal", email: "email", url: "url", phone: "tel" };

/** One line of text; what most types are written in. */
function line({ field, text, replace }) {
  const input = part("input", "cell-input");
  input.type = "text";
  input.autocomplete = "off";
  input.spellcheck = field.editor === "text";
  input.inputMode = MODES[field.editor] ?? "text";
  input.setAttribute("aria-label", field.label);
  input.value = replace ?? text;
  return {
    element: input,
    focus() {
      input.focus();
      if (replace === undefined) input.select();
    },
    read: () => (input.value === text ? undefined : understood(input.value, field, { typed: true })),
  };
}

/** A line with a button for the browser's own calendar. */
function withPicker(type) {
  return (context) => {
    const editor = line(context);
    const input = editor.element;
    const picker = part("input", "cell-picker");
    picker.type = type;
    picker.tabIndex = -1;
    picker.setAttribute("aria-hidden", "true");
    const open = part("button", "cell-pick");
    open.type = "button";
    open.tabIndex = -1;
    open.setAttribute("aria-label", "Open the calendar");
    open.append(icon("calendar"));
    open.addEventListener("mousedown", (event) => event.preventDefault());
    open.addEventListener("click", () => {
      picker.value = input.value.replace(" ", type === "date" ? " " : "T");
      picker.showPicker();
    });
    picker.addEventListener("input", () => {
      input.value = picker.value.replace("T", " ");
      input.focus();
    });
    const element = part("div", "cell-dated");
    element.append(input, open, picker);
    return { ...editor, element };
  };
}

/** Several lines: Alt+Enter or Shift+Enter breaks one. */
function area({ field, text, replace }) {
  const input = part("textarea", `cell-area${field.editor === "json" ? " is-code" : ""}`);
  const before = field.editor === "json" && text ? pretty(text) : text;
  input.value = replace ?? before;
  input.setAttribute("aria-label", field.label);
  return {
    element: input,
    focus() {
      input.focus();
      input.setSelectionRange(input.value.length, input.value.length);
    },
    read: () => (input.value === before ? undefined : input.value),
    press(event) {
      if (event.key !== "Enter" || !(event.altKey || event.shiftKey)) return false;
      if (event.altKey) {
        input.setRangeText("\n", input.selectionStart, input.selectionEnd, "end");
        event.preventDefault();
      }
      event.stopPropagation();
      return true;
    },
  };
}

function pretty(text) {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** Stars to press; digits set them, 0 or Delete empties. */
function rating({ field, value, replace, done }) {
  const most = field.options.stars ?? 5;
  const group = part("div", "cell-rating");
  group.tabIndex = 0;
  group.setAttribute("role", "slider");
  group.setAttribute("aria-label", field.label);
  group.setAttribute("aria-valuemin", "0");
  group.setAttribute("aria-valuemax", String(most));
  let now = value ?? 0;
  const stars = Array.from({ length: most }, (_, index) => {
    const star = part("button", "cell-star", "★");
    star.type = "button";
    star.tabIndex = -1;
    star.setAttribute("aria-label", `${index + 1} of ${most}`);
    star.addEventListener("click", () => {
      set(now === index + 1 ? 0 : index + 1);
      done({ commit: true });
    });
    group.append(star);
    return star;
  });
  function set(next) {
    now = Math.min(most, Math.max(0, next));
    group.setAttribute("aria-valuenow", String(now));
    stars.forEach((star, index) => star.classList.toggle("is-on", index < now));
  }
  set(/^\d$/.test(replace ?? "") ? Number(replace) : now);
  const steps = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 };
  return {
    element: group,
    focus: () => group.focus(),
    read: () => (now === (value ?? 0) ? undefined : now || null),
    press(event) {
      if (/^\d$/.test(event.key)) set(Number(event.key));
      else if (event.key === "Delete" || event.key === "Backspace") set(0);
      else if (event.key in steps) set(now + steps[event.key]);
      else return false;
      event.preventDefault();
      event.stopPropagation();
      return true;
    },
  };
}
