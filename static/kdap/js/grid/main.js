// Puts the grid together: one object that its parts share, and the events between them.
import "../field_form.js";
import { toast } from "../toast.js";
import { Agents } from "./agents.js";
import { get } from "./api.js";
import { Buttons } from "./buttons.js";
import { Clipboard } from "./clipboard.js";
import { Columns } from "./columns.js";
import { Editors } from "./editors.js";
import { Edits } from "./edits.js";
import { Entries, MOST } from "./entries.js";
import { Fields } from "./fields.js";
import { Fill } from "./fill.js";
import { Filters } from "./filters.js";
import { Head } from "./head.js";
import { Keyboard } from "./keyboard.js";
import { Live } from "./live.js";
import { rowsIn } from "./ranges.js";
import { Panel } from "./panel.js";
import { Past } from "./past.js";
import { Render } from "./render.js";
import { Rolling } from "./rolling.js";
import { Selection } from "./selection.js";
import { Statistics } from "./statistics.js";
import { Store } from "./store.js";
import { Toolbar } from "./toolbar.js";
import { Undo } from "./undo.js";
import { Viewport } from "./viewport.js";
import { Views } from "./views.js";

/** What all parts know: the record's fields, the rights, and each other. */
class Grid {
  constructor(root, data) {
    this.root = root;
    this.bus = new EventTarget();
    this.take(data);
    this.parts = build(root, data);
    this.columns = new Columns(this, data.state);
    this.store = new Store(this);
    this.filters = new Filters(this, data.problem);
    this.selection = new Selection(this);
    this.edits = new Edits(this);
    this.editors = new Editors(this);
    this.render = new Render(this);
    this.head = new Head(this);
    this.statistics = new Statistics(this);
    this.entries = new Entries(this);
    this.agents = new Agents(this);
    this.buttons = new Buttons(this);
    this.panel = new Panel(this);
    this.dialogs = new Fields(this);
    this.clipboard = new Clipboard(this);
    this.fill = new Fill(this);
    this.toolbar = new Toolbar(this);
    this.past = new Past(this);
    this.views = new Views(this);
    this.keyboard = new Keyboard(this);
    this.undo = new Undo({
      urls: this.urls, before: () => this.edits.line, changed: () => this.live.catchUp({ undone: true }),
    });
    this.view = new Viewport(this, this.parts.scroller, this.parts.canvas);
    this.rolling = new Rolling(this.parts.scroller, this.parts.canvas);
    this.emit("columns:rebuilt");
    this.store.begin(data.rows ?? []);
    this.live = new Live(this);
    this.emit("rows");
    this.emit("selection");
  }

  /** Take the description of the record that the server gave. */
  take(data) {
    this.data = data;
    this.fields = data.fields;
    this.version = data.record.version;
    this.urls = data.urls;
    this.rights = data.rights;
    this.people = new Map(data.people.map((person) => [person.id, person]));
  }

  /** What is asked for, as the address has it: where, sort and search. */
  address() {
    return this.filters.address();
  }

  on(name, listener) {
    this.bus.addEventListener(name, (event) => listener(event.detail));
  }

  emit(name, detail) {
    this.bus.dispatchEvent(new CustomEvent(name, { detail }));
  }

  /** The field of a key. */
  field(key) {
    return this.fields.find((field) => field.key === key);
  }

  /** Whether an action may fetch and change the rows of `spans` [first, last]; says why not. */
  mayWorkOn(spans) {
    if (rowsIn(spans) <= MOST) return true;
    this.tell(`At most ${MOST.toLocaleString("en")} rows fit in one action. Filter first, or select fewer.`, "warn");
    return false;
  }

  /** Give the keyboard to the grid. */
  focus() {
    this.parts.scroller.focus({ preventScroll: true });
  }

  /** Tell people who can't see it. */
  say(text) {
    this.parts.live.textContent = text;
  }

  /** Show a sentence for what happened, in place of the last of its kind; `action` is offered. */
  tell(message, kind = "good", action = null) {
    if (this.told?.dataset.kind === kind) this.told.remove();
    this.told = toast({ message, kind, action });
    this.told.dataset.kind = kind;
  }

  /** Say what this page did by `operations` and offer to undo it; they need no showing again. */
  did(operations, message = "", kind = "good") {
    for (const operation of operations) this.live.shown(operation);
    this.undo.did();
    if (message) this.tell(message, kind, { label: "Undo", run: () => this.undo.undo(operations) });
  }

  /** Show what went wrong; a changed structure is taken over instead. */
  failed(error) {
    if (error.status === 409 && error.version) {
      this.renew();
      return;
    }
    if (error.status === 422 && error.problems?.length && this.filters.show(error)) return;
    if (!error.detail) throw error;
    this.tell(error.detail, "bad");
  }

  /** Take over the newest structure and its rows, staying where one is. */
  async renew() {
    try {
      this.take(await get(this.urls.shape));
    } catch (error) {
      this.tell(error.detail, "bad");
      return;
    }
    this.edits.forget();
    this.columns.rebuild();
    this.store.blocks.clear();
    this.emit("columns:rebuilt");
    this.emit("fields");
    await this.store.reset({ near: this.view.firstSeen });
  }
}

/** Make the grid's elements in place of the plain table; return them by name. */
function build(root, data) {
  const make = (css, role, parent) => {
    const element = document.createElement("div");
    element.className = css;
    if (role) element.setAttribute("role", role);
    parent?.append(element);
    return element;
  };
  const scroller = make("grid-scroll", "grid");
  scroller.tabIndex = 0;
  scroller.setAttribute("aria-label", data.record.name);
  scroller.setAttribute("aria-multiselectable", "true");
  scroller.setAttribute("aria-readonly", String(!data.rights.write));
  const head = make("grid-head", "row", scroller);
  const canvas = make("grid-canvas", "rowgroup", scroller);
  const foot = make("grid-foot", "row", scroller);
  const live = make("sr-only", "status");
  const status = make("grid-status", "");
  root.replaceChildren(scroller, status, live);
  return { scroller, head, canvas, foot, live, status };
}

const root = document.getElementById("grid");
const data = document.getElementById("grid-data");
if (root && data) {
  const grid = new Grid(root, JSON.parse(data.textContent));
  root.dataset.ready = "";
  grid.focus();
}
