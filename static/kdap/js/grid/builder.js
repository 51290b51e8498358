// The popover in which conditions are put together: rows, and groups of rows.
import { optionsOf } from "./chooser.js";
import { button, moveTo, part } from "./dialogs.js";

const DEEPEST = 4;
const INPUTS = { number: "decimal", percent: "decimal", rating: "decimal" };

/** Edits the conditions of a Filters in place. */
export class Builder {
  constructor(grid, filters) {
    this.grid = grid;
    this.filters = filters;
    this.element = null;
  }

  /** A new condition on a field, with the operator one most likely wants. */
  fresh(field = this.grid.fields[0]) {
    const { operators } = this.grid.data.types[field.type];
    const usual = operators.find((item) => ["contains", "is", "has", "yes"].includes(item.key));
    return { field: field.key, op: (usual ?? operators[0]).key };
  }

  /** Return a value of a condition as text. */
  readable(value, field) {
    if (Array.isArray(value)) return value.map((item) => this.readable(item, field)).join(", ");
    if (field.editor === "user" && value) return this.grid.people.get(value)?.name ?? value;
    return value === undefined ? "…" : String(value);
  }

  /** Open the popover at an element. */
  open(anchor) {
    this.close();
    if (!this.filters.conditions.length) this.filters.conditions.push(this.fresh());
    this.element = part("div", "grid-popover");
    this.element.popover = "auto";
    this.element.setAttribute("role", "dialog");
    this.element.setAttribute("aria-label", "Filter");
    this.element.addEventListener("toggle", (event) => {
      if (event.newState !== "closed") return;
      this.element?.remove();
      this.element = null;
      this.#apply(0);
    });
    document.body.append(this.element);
    this.anchor = anchor;
    this.#draw();
    this.element.showPopover();
    moveTo(this.element, anchor);
    [...this.element.querySelectorAll(".filter-value input, .filter-value select, select")].at(0)?.focus();
  }

  /** Close the popover. */
  close() {
    if (this.element?.matches(":popover-open")) this.element.hidePopover();
  }

  #draw() {
    if (!this.element) return;
    const { filters } = this;
    this.element.replaceChildren(this.#group(filters.root, (node) => { filters.root = node; }, `/${filters.word}`, 1));
    if (this.element.matches(":popover-open")) moveTo(this.element, this.anchor);
  }

  #changed(redraw = false) {
    if (redraw) this.#draw();
    this.#apply(redraw ? 0 : 350);
  }

  #apply(delay) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.filters.apply(), delay);
  }

  #group(node, replace, pointer, depth) {
    const word = "or" in node ? "or" : "and";
    const items = node[word];
    const box = part("div", depth > 1 ? "filter-group" : "filter-root");
    items.forEach((item, index) => {
      const line = part("div", "filter-line");
      line.append(this.#joint(index, word, (next) => replace({ [next]: items })));
      const set = (changed) => { items[index] = changed; };
      const inner = "and" in item || "or" in item
        ? this.#group(item, set, `${pointer}/${index}/${"or" in item ? "or" : "and"}`, depth + 1)
        : this.#condition(item, set, `${pointer}/${index}`);
      const remove = button("", "btn btn-quiet btn-icon btn-sm", () => {
        items.splice(index, 1);
        this.#changed(true);
      }, "trash", "Remove");
      line.append(inner, remove);
      box.append(line);
    });
    box.append(this.#adders(items, word, depth));
    return box;
  }

  #adders(items, word, depth) {
    const row = part("div", "filter-add");
    row.append(button("Condition", "btn btn-quiet btn-sm", () => {
      items.push(this.fresh());
      this.#changed(true);
    }, "plus"));
    if (depth < DEEPEST) {
      row.append(button("Group", "btn btn-quiet btn-sm", () => {
        items.push({ [word === "and" ? "or" : "and"]: [this.fresh()] });
        this.#changed(true);
      }, "plus"));
    }
    return row;
  }

  /** “Where”, then the word between conditions, which the first two lines may change. */
  #joint(index, word, change) {
    if (index === 0) return part("span", "filter-word", "Where");
    if (index > 1) return part("span", "filter-word", word);
    return select([["and", "and"], ["or", "or"]], word, "How conditions are joined", (next) => {
      change(next);
      this.#changed(true);
    }, "filter-word");
  }

  #condition(node, set, pointer) {
    const { grid, filters } = this;
    const line = part("div", "filter-condition");
    if ("not" in node) {
      line.append(part("span", "chip", filters.sentence(node)));
      return line;
    }
    const field = grid.field(node.field) ?? grid.fields[0];
    const { operators } = grid.data.types[field.type];
    const names = grid.fields.map((item) => [item.key, item.label]);
    line.append(
      select(names, field.key, "Field", (key) => {
        set(this.fresh(grid.field(key)));
        this.#changed(true);
      }),
      select(operators.map((item) => [item.key, item.label]), node.op, "Comparison", (op) => {
        const same = operators.find((item) => item.key === op)?.takes === filters.operator(node)?.takes;
        set(same ? { ...node, op } : { field: field.key, op });
        this.#changed(true);
      }),
      this.#value(node, field, operators.find((item) => item.key === node.op)),
    );
    const wrong = filters.problemAt(pointer);
    if (wrong) line.append(part("p", "field-error", wrong));
    return line;
  }

  #value(node, field, operator) {
    const holder = part("div", "filter-value");
    const takes = operator?.takes ?? "one";
    const write = (value) => {
      node.value = value;
      this.#changed();
    };
    if (takes === "nothing") return holder;
    const options = optionsOf(field, this.grid);
    if (takes === "many" && options.length) holder.append(this.#several(node, options, write));
    else if (takes === "one" && options.length) {
      const items = [["", "…"], ...options.map((option) => [option.value, option.label])];
      holder.append(select(items, node.value ?? "", "Value", write));
    } else if (takes === "two") {
      const pair = Array.isArray(node.value) ? node.value : ["", ""];
      pair.forEach((text, index) => holder.append(this.#input(text, field, takes, (value) => {
        pair[index] = value;
        write([...pair]);
      })));
    } else if (takes === "many") {
      holder.append(this.#input((node.value ?? []).join(", "), field, "text", (text) => {
        write(text.split(",").map((item) => item.trim()).filter(Boolean));
      }));
    } else {
      holder.append(this.#input(node.value ?? "", field, takes, write));
    }
    return holder;
  }

  #several(node, options, write) {
    const box = part("div", "filter-several");
    const chosen = new Set(node.value ?? []);
    for (const option of options) {
      const label = part("label", "check");
      const input = part("input");
      input.type = "checkbox";
      input.checked = chosen.has(option.value);
      input.addEventListener("change", () => {
        if (input.checked) chosen.add(option.value);
        else chosen.delete(option.value);
        write([...chosen]);
      });
      label.append(input, option.element());
      box.append(label);
    }
    return box;
  }

  #input(text, field, takes, write) {
    const input = part("input", "input input-sm");
    const dated = { date: "date", datetime: "datetime-local" }[field.editor];
    input.type = takes === "number" ? "number" : takes !== "text" && dated ? dated : "text";
    input.inputMode = INPUTS[field.editor] ?? "";
    input.value = text;
    input.setAttribute("aria-label", "Value");
    input.addEventListener("input", () => write(input.value));
    input.addEventListener("keydown", (event) => { if (event.key === "Enter") this.close(); });
    return input;
  }
}

function select(items, value, label, change, css = "") {
  const made = part("select", `input input-sm ${css}`);
  made.setAttribute("aria-label", label);
  for (const [key, text] of items) {
    const option = part("option", "", text);
    option.value = key;
    option.selected = key === value;
    made.append(option);
  }
  made.addEventListener("change", () => change(made.value));
  return made;
}
