// What the form of a field can do with a script: its type comes into sight, and its choices get
// colours and an order.
import { icon } from "./toast.js";

document.addEventListener("htmx:after:swap", (event) => {
  const opened = event.detail.ctx?.target?.id === "dialog";
  if (opened) document.querySelector(".type-choice:has(:checked)")?.scrollIntoView({ block: "nearest" });
  enhanceAll();
});
enhanceAll();

function enhanceAll() {
  for (const area of document.querySelectorAll("textarea[data-choices]")) enhance(area);
}

/**
 * Put a list in the place of a text area with one choice a line; data-choices lists the colours,
 * data-items the choices. What is changed is written back as JSON.
 */
function enhance(area) {
  if (area.dataset.ready) return;
  area.dataset.ready = "yes";
  area.hidden = true;
  const hues = area.dataset.choices.split("|");
  const list = make("ol", "choice-list");
  const write = () => {
    const items = [...list.children].map((line) => ({ ...line.item }));
    area.value = JSON.stringify(items.filter((item) => item.label.trim()));
    area.dispatchEvent(new Event("change", { bubbles: true }));
  };
  const add = (item, focus = false) => {
    const line = lineOf(item, hues, write, () => add(fresh(list, hues), true));
    list.append(line);
    if (focus) line.querySelector("input").focus();
  };
  JSON.parse(area.dataset.items).forEach((item) => add(item));
  const more = make("button", "btn btn-quiet btn-sm", "Add a choice");
  more.type = "button";
  more.prepend(icon("plus"));
  more.addEventListener("click", () => add(fresh(list, hues), true));
  area.after(list, more);
  area.closest(".field")?.querySelector(".field-hint")?.remove();
  area.value = area.dataset.items;
}

function fresh(list, hues) {
  return { label: "", color: hues[1 + (list.children.length % (hues.length - 1))] };
}

/** One choice: a colour, a label, ways to move and remove it. */
function lineOf(item, hues, write, next) {
  const line = make("li", "choice-line");
  line.item = item;
  const swatch = make("span", `choice-color hue-${item.color}`);
  const color = make("select", "");
  color.setAttribute("aria-label", "Colour");
  for (const hue of hues) color.append(new Option(hue, hue, false, hue === item.color));
  color.addEventListener("change", () => {
    item.color = color.value;
    swatch.className = `choice-color hue-${item.color}`;
    write();
  });
  swatch.append(color);
  const label = make("input", "input input-sm");
  Object.assign(label, { type: "text", value: item.label, autocomplete: "off" });
  label.setAttribute("aria-label", "Choice");
  label.addEventListener("input", () => { item.label = label.value; });
  label.addEventListener("change", write);
  label.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    write();
    next();
  });
  const act = (name, sign, run) => {
    const button = make("button", "btn btn-quiet btn-icon btn-sm");
    button.type = "button";
    button.setAttribute("aria-label", name);
    button.title = name;
    button.append(icon(sign));
    button.addEventListener("click", () => { run(); write(); });
    return button;
  };
  line.append(
    swatch, label,
    act("Move up", "arrow-up", () => line.previousElementSibling?.before(line)),
    act("Remove", "x", () => line.remove()),
  );
  return line;
}

function make(tag, css, text = "") {
  const made = document.createElement(tag);
  made.className = css;
  made.textContent = text;
  return made;
}
