// Short messages at the foot of the window. Anything may ask for one, the server included:
// HX-Trigger: {"toast": {"message": "3 entries deleted", "kind": "good", "undo": {"url": "…"}}}
// On pages of a record, "undo": {"operation": "…"} takes that operation back.
const STAY = 5000;
const STAY_WITH_UNDO = 12000;
const ICONS = { good: "circle-check", bad: "circle-x", warn: "alert", info: "info" };

/**
 * Show a message. kind: good, bad, warn or info; undo: {url, label} is posted to when pressed;
 * link: {url, label} is gone to; action: {label, run} is what scripts offer.
 */
export function toast({ message, kind = "good", undo = null, link = null, action = null }) {
  const notice = document.createElement("div");
  notice.className = `notice notice-${kind}`;
  notice.setAttribute("role", kind === "bad" ? "alert" : "status");
  const text = document.createElement("span");
  text.textContent = message;
  notice.append(icon(ICONS[kind] ?? "info"), text);
  const able = undo && (undo.url || "undoes" in document.body.dataset);
  const go = link && { label: link.label, run: () => window.location.assign(link.url) };
  const offer = action ?? go ?? (able && { label: undo.label ?? "Undo", run: () => takeBack(undo) });
  if (offer) notice.append(offerButton(offer, notice));
  show(notice, offer ? STAY_WITH_UNDO : STAY);
  return notice;
}

/** Return an SVG element of our sprite. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(svg.namespaceURI, "use");
  use.setAttribute("href", `${document.querySelector('meta[name="icons"]').content}#${name}`);
  svg.append(use);
  return svg;
}

function takeBack({ url, operation }) {
  const operations = [operation];
  if (operation) document.dispatchEvent(new CustomEvent("undo:wanted", { detail: { operations } }));
  else window.htmx.ajax("POST", url, { swap: "none" });
}

function offerButton({ label, run }, notice) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = label;
  // A mouse takes no focus away from where one works.
  button.addEventListener("pointerdown", (event) => event.preventDefault());
  button.addEventListener("click", () => {
    leave(notice);
    run();
  });
  return button;
}

function closeButton(notice) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "notice-close";
  button.setAttribute("aria-label", "Dismiss");
  button.append(icon("x"));
  button.addEventListener("click", () => leave(notice));
  return button;
}

function region() {
  const region = document.getElementById("notices");
  // A modal dialog covers everything that isn't itself in the top layer.
  if (region.popover && document.querySelector("dialog[open]")) {
    if (region.matches(":popover-open")) region.hidePopover();
    region.showPopover();
  }
  return region;
}

function show(notice, stay) {
  notice.append(closeButton(notice));
  if (!notice.isConnected) region().append(notice);
  let timer = setTimeout(() => leave(notice), stay);
  const wait = () => clearTimeout(timer);
  const go = () => { timer = setTimeout(() => leave(notice), 2000); };
  notice.addEventListener("pointerenter", wait);
  notice.addEventListener("focusin", (event) => {
    wait();
    if (!notice.contains(event.relatedTarget)) from.set(notice, event.relatedTarget);
  });
  notice.addEventListener("pointerleave", go);
  notice.addEventListener("focusout", go);
}

// Where the keyboard was before it came to a notice.
const from = new WeakMap();

function leave(notice) {
  if (notice.contains(document.activeElement)) from.get(notice)?.focus({ preventScroll: true });
  notice.dataset.leaving = "";
  setTimeout(() => notice.remove(), 220);
}

document.addEventListener("toast", (event) => toast(event.detail));
for (const notice of document.querySelectorAll("#notices .notice")) show(notice, STAY);
