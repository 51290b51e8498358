// Small dialogs and menus that the grid makes by itself.
import { icon } from "../toast.js";

/**
 * Show a dialog. `body` is a text or an element; `actions` a list of {label, kind, run}, where
 * run may return false to keep it open. Returns the <dialog>.
 */
export function openDialog({ title, body, actions = [], wide = false }) {
  const dialog = document.createElement("dialog");
  dialog.className = "dialog";
  dialog.setAttribute("aria-label", title);
  const inner = part("div", "dialog-inner");
  const head = part("div", "dialog-head");
  head.append(part("h2", "", title), button("", "btn btn-quiet btn-icon btn-sm", () => dialog.close(), "x", "Close"));
  const content = part("div", `dialog-body${wide ? " dialog-wide" : ""}`);
  content.append(typeof body === "string" ? part("p", "", body) : body);
  inner.append(head, content);
  if (actions.length) inner.append(foot(dialog, actions));
  dialog.append(inner);
  document.body.append(dialog);
  const back = document.activeElement;
  dialog.addEventListener("close", () => { dialog.remove(); back?.focus?.({ preventScroll: true }); });
  dialog.addEventListener("click", (event) => { if (event.target === dialog) dialog.close(); });
  dialog.showModal();
  dialog.querySelector("[autofocus], .btn-primary, .btn-danger")?.focus();
  return dialog;
}

function foot(dialog, actions) {
  const made = part("div", "dialog-foot");
  for (const { label, kind, run } of actions) {
    const css = kind ? `btn btn-${kind}` : "btn";
    made.append(button(label, css, () => { if (run?.() !== false) dialog.close(); }));
  }
  return made;
}

/** Ask before something that can't simply be taken back; resolves with whether to go on. */
export function confirm({ title, text, label, kind = "primary" }) {
  return new Promise((resolve) => {
    const dialog = openDialog({
      title,
      body: text,
      actions: [{ label: "Cancel" }, { label, kind, run: () => resolve(true) }],
    });
    dialog.addEventListener("close", () => resolve(false));
  });
}

/**
 * Show a menu at an element or a point {x, y}. Items: {label, icon, run, checked, danger, keys},
 * {title} for a heading, null for a line. Returns the menu's element.
 */
export function openMenu(place, items, { onClose } = {}) {
  closeMenu();
  const menu = part("div", "menu-list grid-menu");
  menu.popover = "auto";
  menu.setAttribute("role", "menu");
  for (const item of items) menu.append(item === null ? part("div", "menu-line") : entry(item, menu));
  document.body.append(menu);
  const back = document.activeElement;
  menu.addEventListener("toggle", (event) => {
    if (event.newState !== "closed") return;
    const returns = menu.contains(document.activeElement) || document.activeElement === document.body;
    menu.remove();
    if (returns) back?.focus?.({ preventScroll: true });
    onClose?.();
  });
  menu.addEventListener("keydown", arrows);
  menu.showPopover();
  moveTo(menu, place);
  menu.querySelector("[role^=menuitem], input")?.focus();
  return menu;
}

/** Close the menu that is open, if any. */
export function closeMenu() {
  for (const menu of document.querySelectorAll(".grid-menu:popover-open")) menu.hidePopover();
}

/** Put a popover below an element or at a point, within the window. */
export function moveTo(popover, place) {
  const box = place.getBoundingClientRect?.() ?? { left: place.x, right: place.x, top: place.y, bottom: place.y };
  const { offsetWidth: width, offsetHeight: height } = popover;
  const left = Math.min(box.left, window.innerWidth - width - 8);
  const below = box.bottom + 4;
  const fits = below + height <= window.innerHeight - 8;
  popover.style.left = `${Math.max(8, left)}px`;
  popover.style.top = `${Math.max(8, fits ? below : Math.min(box.top - height - 4, window.innerHeight - height - 8))}px`;
}

function entry(item, menu) {
  if (item.title) return part("div", "menu-title", item.title);
  const made = button(item.label, `menu-item${item.danger ? " menu-danger" : ""}`, () => {
    menu.hidePopover();
    item.run();
  }, item.icon);
  made.setAttribute("role", item.checked === undefined ? "menuitem" : "menuitemradio");
  if (item.checked !== undefined) {
    made.setAttribute("aria-checked", String(item.checked));
    if (item.checked) made.append(icon("check"));
  }
  if (item.keys) made.append(part("kbd", "", item.keys));
  return made;
}

function arrows(event) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const items = [...event.currentTarget.querySelectorAll("[role^=menuitem]")];
  const at = items.indexOf(document.activeElement);
  items.at((at + step) % items.length)?.focus();
  event.preventDefault();
}

/** Return a new element with a class and a text. */
export function part(tag, css = "", content = "") {
  const made = document.createElement(tag);
  if (css) made.className = css;
  if (content) made.textContent = content;
  return made;
}

/** Return a new button; `name` labels one that shows only an icon. */
export function button(label, css, run, iconName = "", name = "") {
  const made = part("button", css);
  made.type = "button";
  if (iconName) made.append(icon(iconName));
  if (label) made.append(label);
  if (name) {
    made.setAttribute("aria-label", name);
    made.title = name;
  }
  made.addEventListener("click", run);
  return made;
}
