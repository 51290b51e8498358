// Undo and redo, for every page of a record. The server knows what each person did last.
import { toast } from "../toast.js";
import { post } from "./api.js";
import { openDialog, part } from "./dialogs.js";
import { isMac } from "./keys.js";

/** Takes operations of this person on one record back, and does them again. */
export class Undo {
  /**
   * `urls` has undo and redo; `changed(answer)` shows what an answer changed; `before()` resolves
   * when everything that was sent has been answered. Elements marked data-undo="undo" or "redo"
   * are its buttons.
   */
  constructor({ urls, changed, before = () => null }) {
    Object.assign(this, { urls, changed, before, line: Promise.resolve() });
    document.addEventListener("keydown", (event) => this.#press(event));
    document.addEventListener("pointerdown", (event) => {
      // A mouse takes no focus away from where one works.
      if (event.target.closest?.("[data-undo]")) event.preventDefault();
    });
    document.addEventListener("click", (event) => {
      const pressed = event.target.closest("[data-undo]");
      if (pressed) this[pressed.dataset.undo]();
    });
    document.body.dataset.undoes = "";
    document.addEventListener("undo:wanted", (event) => this.undo(event.detail.operations));
  }

  /** Take back the named operations, the newest first, or what this person did last. */
  undo(operations = [null]) {
    return this.#each("undo", operations);
  }

  /** Do again what was taken back by the named operations, or last. */
  redo(operations = [null]) {
    return this.#each("redo", operations);
  }

  /** Something new was done: that can be undone, and nothing can be redone. */
  did() {
    this.#can({ undo: true, redo: false });
  }

  #each(way, operations) {
    const work = async () => {
      await this.before();
      const answers = [];
      for (const operation of operations.toReversed()) {
        const answer = await this.#take(way, operation ? { operation } : {});
        if (!answer) break;
        answers.push(answer);
      }
      if (answers.length) this.#told(way, answers);
    };
    this.line = this.line.then(work, work);
    return this.line;
  }

  /** Ask the server; resolves with its answer, or null when it was refused or given up. */
  async #take(way, data) {
    let answer;
    try {
      answer = await post(this.urls[way], data);
    } catch (error) {
      toast({ message: error.detail ?? String(error), kind: "bad" });
      return null;
    }
    if (answer.can) this.#can(answer.can);
    if (!answer.confirm) {
      if (answer.done) await this.changed(answer);
      return answer;
    }
    const choice = await ask(way, answer);
    return choice ? this.#take(way, { operation: answer.confirm.operation, ...choice }) : null;
  }

  #told(way, answers) {
    const done = answers.filter((answer) => answer.done);
    if (!done.length) {
      toast({ message: answers[0].sentence, kind: "info" });
      return;
    }
    const kept = done.reduce((sum, answer) => sum + answer.kept, 0);
    const message = kept ? `${done[0].sentence} ${counted(kept)} kept.` : done[0].sentence;
    const back = way === "undo" ? "redo" : "undo";
    const operations = done.map((answer) => answer.operation);
    // What was undone before is no news any more; a pile of these would cover the table.
    this.notice?.remove();
    this.notice = toast({ message, kind: kept ? "warn" : "good", action: { label: NAMES[back], run: () => this[back](operations) } });
  }

  #can(can) {
    for (const pressed of document.querySelectorAll("[data-undo]")) {
      pressed.setAttribute("aria-disabled", String(!can[pressed.dataset.undo]));
    }
  }

  #press(event) {
    const way = wayOf(event);
    if (!way || event.defaultPrevented || event.target.closest?.(OWN_UNDO)) return;
    event.preventDefault();
    this[way]();
  }
}

// Texts and dialogs have an undo of their own.
const OWN_UNDO = "input, textarea, select, [contenteditable], dialog, .cell-editor";
const NAMES = { undo: "Undo", redo: "Redo" };

function wayOf(event) {
  if (event.altKey || !(isMac ? event.metaKey : event.ctrlKey)) return null;
  const key = event.key.toLowerCase();
  if (key === "z") return event.shiftKey ? "redo" : "undo";
  return key === "y" && !event.shiftKey ? "redo" : null;
}

function counted(kept) {
  return kept === 1 ? "1 thing is" : `${kept.toLocaleString("en")} things are`;
}

/** Show what would be left as it is; resolves with how to go on, or null. */
function ask(way, { sentence, confirm }) {
  return new Promise((resolve) => {
    const actions = [{ label: "Cancel" }];
    const all = { label: `${NAMES[way]}, also what was changed since`, run: () => resolve({ force: true }) };
    const some = { label: NAMES[way], kind: "primary", run: () => resolve({ confirmed: true }) };
    if (confirm.kept) actions.push(all);
    if (confirm.restored) actions.push(some);
    const dialog = openDialog({ title: `${NAMES[way]} “${sentence}”?`, body: preview(confirm), actions });
    dialog.addEventListener("close", () => resolve(null));
  });
}

function preview({ restored, kept, examples }) {
  const body = part("div", "undo-preview");
  const would = `${restored.toLocaleString("en")} would be restored.`;
  const stays = kept ? ` ${kept.toLocaleString("en")} would stay as they are.` : "";
  body.append(part("p", "", would + stays));
  const list = part("ul", "plan-examples");
  for (const { entry_id: id, field, detail } of examples) {
    const where = [id && `Entry ${id}`, field && `“${field}”`].filter(Boolean).join(", ");
    list.append(part("li", "", where ? `${where}: ${detail}` : detail));
  }
  if (examples.length) body.append(list);
  return body;
}
