// What every page shares: htmx's manners, menus, keys, copying, themes.
import "./dialog.js";
import "./once.js";
import { toast } from "./toast.js";

const root = document.documentElement;

// htmx: Django's CSRF token with every request, and one sentence when the server fails.
document.addEventListener("htmx:config:request", (event) => {
  const { request } = event.detail.ctx;
  request.headers["X-CSRFToken"] = document.querySelector('meta[name="csrf-token"]').content;
});
document.addEventListener("htmx:response:error", (event) => {
  const { status, headers } = event.detail.ctx.response;
  if (status === 400 || status === 422 || headers.get("HX-Trigger")) return;
  toast({ message: SENTENCES[status] ?? "Something went wrong on our side. Nothing was saved.", kind: "bad" });
});
// What asks again by itself leaves alone whoever writes in it, or is about to press something.
document.addEventListener("htmx:before:request", (event) => {
  const waits = event.target.matches?.("[data-waits]");
  if (waits && event.target.querySelector(":is(input, textarea, select, button, a):focus")) event.preventDefault();
});
// Where an answer belongs may have been replaced by another one since it was asked for. It goes there
// all the same, unless what stands there was asked for later.
let asked = 0;
const shown = new Map();
document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
  ctx.turn = ++asked;
});
document.addEventListener("htmx:after:request", ({ detail: { ctx } }) => {
  const { target } = ctx;
  if (!target?.id || target.isConnected || shown.get(target.id) > ctx.turn) return;
  ctx.target = document.getElementById(target.id) ?? target;
});
document.addEventListener("htmx:after:swap", ({ detail: { ctx } }) => {
  if (ctx.target?.id) shown.set(ctx.target.id, Math.max(ctx.turn ?? 0, shown.get(ctx.target.id) ?? 0));
});
document.addEventListener("htmx:error", (event) => {
  if (event.detail.ctx?.response) return;
  toast({ message: "The server can't be reached. Check the connection and try again.", kind: "bad" });
});
const SENTENCES = {
  401: "You are signed out. Sign in again to go on.",
  403: "You may not do that.",
  404: "That isn't there any more.",
  409: "Somebody changed this in the meantime. Reload to see it.",
  429: "That was too often. Wait a minute and try again.",
};

// Menus (<details class="menu">): one open at a time, arrows move, Escape closes.
document.addEventListener("click", (event) => {
  for (const menu of document.querySelectorAll("details.menu[open]")) {
    const inside = menu.contains(event.target);
    if (!inside || event.target.closest(".menu-item:not([data-keep-open])")) menu.open = false;
  }
});
document.addEventListener("keydown", (event) => {
  const menu = event.target.closest?.("details.menu[open]");
  if (!menu) return;
  if (event.key === "Escape") {
    menu.open = false;
    menu.querySelector("summary").focus();
    event.stopPropagation();
  } else if (event.key === "ArrowDown" || event.key === "ArrowUp") {
    const items = [...menu.querySelectorAll(".menu-item:not([disabled])")];
    const step = event.key === "ArrowDown" ? 1 : -1;
    const at = items.indexOf(document.activeElement);
    const next = at < 0 ? (step > 0 ? 0 : -1) : (at + step) % items.length;
    items.at(next)?.focus();
    event.preventDefault();
  }
});

// "/" goes to the page's search.
document.addEventListener("keydown", (event) => {
  if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest?.("input, textarea, select, [contenteditable], dialog")) return;
  const search = document.querySelector("[data-search], input[type=search]");
  if (!search) return;
  event.preventDefault();
  search.focus();
  search.select?.();
});

// One listener for all the small buttons; each names what it does in a data attribute.
const ACTIONS = {
  async copy(button) {
    const source = document.getElementById(button.dataset.copy);
    await navigator.clipboard.writeText(source ? (source.value ?? source.textContent).trim() : button.dataset.copy);
    toast({ message: "Copied" });
  },
  theme(button) {
    root.dataset.theme = button.dataset.theme;
    remember("kdap.theme", root.dataset.theme);
    for (const other of document.querySelectorAll("button[data-theme]")) {
      other.setAttribute("aria-pressed", other.dataset.theme === root.dataset.theme);
    }
  },
  sidebar() {
    const closed = root.dataset.sidebar !== "closed";
    if (closed) root.dataset.sidebar = "closed";
    else delete root.dataset.sidebar;
    remember("kdap.sidebar", closed ? "closed" : "open");
  },
  fill(button) {
    const form = document.querySelector(button.dataset.fill);
    form.elements.login.value = button.dataset.email;
    form.elements.password.value = button.dataset.password;
    form.querySelector("[type=submit]").focus();
  },
  zone(button) {
    document.getElementById(button.dataset.zone).value = browserZone();
  },
  print() {
    window.print();
  },
};
document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  for (const name of Object.keys(button.dataset)) ACTIONS[name]?.(button);
});

// What works on what is saved would lose what is typed, so it waits until that is saved.
document.addEventListener("input", (event) => {
  const form = event.target.closest?.("form");
  for (const button of form?.querySelectorAll("[data-on-saved] button") ?? []) button.disabled = true;
});
document.addEventListener("entry:saved", () => {
  for (const button of document.querySelectorAll("[data-on-saved] button")) button.disabled = false;
});

for (const input of document.querySelectorAll("input[data-browser-zone]")) input.value = browserZone();
for (const button of document.querySelectorAll("button[data-theme]")) {
  button.setAttribute("aria-pressed", button.dataset.theme === root.dataset.theme);
}

// On phones the tabs scroll sideways; begin at the one that is open.
document.querySelector(".tabs [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });

function browserZone() {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

function remember(key, value) {
  // Storage is refused in some private windows; the choice then lasts for the page.
  try { localStorage.setItem(key, value); } catch { /* as above */ }
}
