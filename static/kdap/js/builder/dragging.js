// Dragging a step to another place: a mouse takes it anywhere, a finger or pen by its grip.
import { follow } from "../grid/pointer.js";
import { Carried } from "./places.js";
import { act } from "./verbs.js";

const FAR = 6, EDGE = 90, REACH = 260, FASTEST = 18;

let stop = null;

document.addEventListener("pointerdown", (event) => {
  const node = event.target.closest?.(".canvas .node[data-place]");
  if (!node || event.button || stop) return;
  const grip = event.target.closest(".node-grip");
  if (grip) event.preventDefault();
  if (grip || event.pointerType === "mouse") drag(event, node);
});

/** Let a step follow the pointer until it is let go; Escape gives up, Alt puts a copy. */
function drag(start, node) {
  let carried = null, ghost = null, copy = false, over = false, frame = 0;
  const at = { x: start.clientX, y: start.clientY };
  const look = () => {
    const place = nearest(carried.places, at);
    carried.aim(place);
    ghost.style.transform = `translate(${at.x + 10}px, ${at.y + 10}px)`;
    ghost.classList.toggle("is-copy", copy);
  };
  const creep = () => {
    if (scroll(at)) look();
    frame = requestAnimationFrame(creep);
  };
  const finish = (drop) => {
    if (over) return;
    over = true;
    stop = null;
    cancelAnimationFrame(frame);
    ghost?.remove();
    document.removeEventListener("keydown", key, true);
    if (!carried) return;
    swallowClick();
    carried.end();
    const { target, home, id } = carried;
    if (drop && target && (copy || target !== home)) act(copy ? "copy" : "move", { step: id, to: target.dataset.place });
  };
  const key = (event) => {
    copy = event.altKey;
    if (event.key !== "Escape" || !carried) return;
    event.preventDefault();
    event.stopPropagation();
    finish(false);
  };
  const move = (event) => {
    if (over) return;
    [at.x, at.y, copy] = [event.clientX, event.clientY, event.altKey];
    if (!carried) {
      if (Math.hypot(at.x - start.clientX, at.y - start.clientY) < FAR) return;
      carried = new Carried(node);
      ghost = ghostOf(node);
      creep();
    }
    look();
  };
  stop = () => finish(false);
  document.addEventListener("keydown", key, true);
  document.addEventListener("pointercancel", stop, { once: true });
  follow(start, move, () => finish(true));
}

/** The place that is nearest to a point, null when none is near. */
function nearest(places, { x, y }) {
  let best = null, least = REACH;
  for (const place of places) {
    const { left, top, width, height } = place.getBoundingClientRect();
    const far = Math.hypot((left + width / 2 - x) / 2, top + height / 2 - y);
    if (far < least) [best, least] = [place, far];
  }
  return best;
}

/** Scroll the page up or down and the picture sideways when a point is at their edges. */
function scroll({ x, y }) {
  const canvas = document.querySelector(".canvas"), box = canvas.getBoundingClientRect();
  const top = Math.max(0, document.querySelector(".topbar")?.getBoundingClientRect().bottom ?? 0);
  const down = speed(y, top, innerHeight), along = speed(x, Math.max(0, box.left), Math.min(innerWidth, box.right));
  if (down) scrollBy({ top: down, behavior: "instant" });
  if (along) canvas.scrollLeft += along;
  return down || along;
}

function speed(at, first, last) {
  const before = first + EDGE - at, after = at - (last - EDGE);
  const deep = Math.max(before, after);
  return deep > 0 ? Math.sign(after - before) * Math.min(1, deep / EDGE) * FASTEST : 0;
}

function ghostOf(node) {
  const ghost = node.cloneNode(true);
  for (const name of ["id", "href", "hx-get", "aria-current", "aria-describedby"]) ghost.removeAttribute(name);
  ghost.classList.remove("is-chosen", "is-carried");
  ghost.classList.add("node-ghost");
  ghost.setAttribute("aria-hidden", "true");
  document.body.append(ghost);
  return ghost;
}

/** The click that ends a drag opens nothing. */
function swallowClick() {
  const swallow = (event) => {
    event.preventDefault();
    event.stopPropagation();
  };
  document.addEventListener("click", swallow, { capture: true, once: true });
  setTimeout(() => document.removeEventListener("click", swallow, true));
}

// What is swapped away can't be carried on.
document.addEventListener("htmx:before:swap", () => stop?.());
