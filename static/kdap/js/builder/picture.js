// The picture and the panel beside it: which step is chosen, and where the keyboard is.
import { showRefused } from "./panel.js";
import { unsaved } from "./verbs.js";

const FOCUSABLE = "a[href], button:not([hidden]), input:not([type=hidden]), select, textarea, summary, [tabindex]";
const panel = () => document.querySelector("#side > .panel");
const opened = () => panel() && `${panel().dataset.chosen} ${panel().dataset.at} ${panel().dataset.kind}`;
const ours = ({ detail: { ctx } }) => ["#builder", "#side"].includes(ctx?.target?.id ? `#${ctx.target.id}` : ctx?.target);

let before = opened(), chosen = panel()?.dataset.chosen, held = null, left = 0, up = 0;

/** Mark the step or place of the panel. */
function mark(here) {
  for (const other of document.querySelectorAll(".canvas .is-chosen")) {
    other.classList.remove("is-chosen");
    other.removeAttribute("aria-current");
  }
  here?.classList.add("is-chosen");
  here?.setAttribute("aria-current", "true");
}

function place() {
  const { at, chosen: id } = panel()?.dataset ?? {};
  if (at) return document.querySelector(`.add-step[data-place="${CSS.escape(at)}"]`);
  return id ? document.getElementById(`node-${id}`) : null;
}

// At once; the panel comes a moment later.
document.addEventListener("htmx:before:request", (event) => {
  const link = event.target.closest?.(".canvas .node, .canvas .add-step");
  if (link) mark(link);
});

document.addEventListener("htmx:before:swap", (event) => {
  if (!ours(event)) return;
  left = document.querySelector(".canvas").scrollLeft;
  up = document.querySelector(".panel")?.scrollTop ?? 0;
  held = whereabouts(document.activeElement);
});

document.addEventListener("htmx:after:swap", (event) => {
  if (!ours(event)) return;
  document.querySelector(".canvas").scrollLeft = left;
  const [was, id, now] = [before, chosen, opened()];
  before = now;
  chosen = panel()?.dataset.chosen;
  mark(place());
  if (now && now === was) panel().scrollTop = up;
  const next = showRefused() ?? focusAfter(was, now, id);
  if (next && document.activeElement !== next) next.focus({ preventScroll: true });
  if (next?.matches(".node")) next.scrollIntoView({ block: "nearest", inline: "nearest" });
  else if (now && now !== was) place()?.scrollIntoView({ block: "nearest", inline: "nearest" });
  renew();
});

/** The keyboard follows to the panel that opens, and comes back to its step when that closes. */
function focusAfter(was, now, id) {
  if (now && now !== was) return document.getElementById("panel-title");
  const same = find(held);
  if (same || !was || now) return same;
  return document.getElementById(`node-${id}`) ?? document.querySelector(".canvas");
}

/** Describe an element so that the one in its place is found again. */
function whereabouts(element) {
  if (!element || element === document.body) return null;
  const room = element.closest("#side, .builder-bar, .canvas");
  const index = room ? [...room.querySelectorAll(FOCUSABLE)].indexOf(element) : -1;
  const value = element.matches("button") ? element.value : null;
  return { id: element.id, name: element.name, value, index, room: room?.id || room?.classList[0] };
}

function find(held) {
  if (!held) return null;
  if (held.id) return document.getElementById(held.id);
  const room = document.getElementById(held.room) ?? document.getElementsByClassName(held.room)[0];
  const all = [...(room?.querySelectorAll(FOCUSABLE) ?? [])];
  const same = (other) => held.name && other.name === held.name && (held.value ?? other.value) === other.value;
  if (all[held.index] && same(all[held.index])) return all[held.index];
  return all.find(same) ?? all[Math.min(held.index, all.length - 1)] ?? null;
}

/** Fetch a picture that is older than the panel, which somebody else changed meanwhile. */
function renew() {
  const drawn = document.getElementById("builder").dataset.draft;
  if (!panel() || panel().dataset.draft === drawn || unsaved()) return;
  window.htmx.ajax("GET", location.href, { target: "#builder", swap: "outerHTML" });
}

const first = place() ?? document.querySelector(".node-trigger");
first?.scrollIntoView({ block: "nearest", inline: first.matches(".node-trigger") ? "center" : "nearest" });
