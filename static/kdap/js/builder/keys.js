// The picture by keyboard: arrows go from step to step, with Alt they carry it along; Space picks a
// step up, and then arrows go through the places for it. Ctrl+Z takes back.
import { Carried } from "./places.js";
import { act } from "./verbs.js";

const STEPS = { ArrowUp: -1, ArrowLeft: -1, ArrowDown: 1, ArrowRight: 1 };
let carried = null;

document.addEventListener("keydown", (event) => {
  if (carried) return carry(event);
  const node = event.target.closest?.(".canvas .node");
  const plain = !event.ctrlKey && !event.metaKey;
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (node && step && plain) {
    event.preventDefault();
    const nodes = [...document.querySelectorAll(".canvas .node")];
    if (!event.altKey) nodes[nodes.indexOf(node) + step]?.focus();
    else if (node.dataset.place) act(step < 0 ? "up" : "down", { step: node.dataset.id });
  } else if (node?.dataset.place && event.key === " " && plain) {
    event.preventDefault();
    pickUp(node);
  } else if (node?.dataset.place && event.key === "Delete" && plain) {
    act("delete", { step: node.dataset.id });
  } else if (event.key === "Escape" && event.target.closest?.("#side") && !event.defaultPrevented) {
    document.querySelector(".panel-close")?.click();
  } else if (!plain && !event.altKey) takeBack(event);
});

function takeBack(event) {
  if (event.target.closest?.("input, textarea, select, dialog")) return;
  const key = event.key.toLowerCase();
  if (key !== "z" && key !== "y") return;
  event.preventDefault();
  act(key === "y" || event.shiftKey ? "redo" : "undo", {});
}

function pickUp(node) {
  carried = new Carried(node);
  say(`“${carried.name}” is picked up. Arrows choose a place, Space puts it down, Escape gives up.`);
}

function carry(event) {
  const { places, target } = carried;
  const at = places.indexOf(target);
  const to = { Home: 0, End: places.length - 1 }[event.key] ?? at + (STEPS[event.key] ?? 0);
  if (event.key === "Tab") return putDown(false);
  if (event.key.length > 1 && ["Shift", "Control", "Alt", "Meta"].includes(event.key)) return;
  event.preventDefault();
  event.stopPropagation();
  if (event.key === "Escape") putDown(false);
  else if (event.key === "Enter" || event.key === " ") putDown(true);
  else if (to !== at && places[to]) aim(places[to], to);
}

function aim(place, number) {
  carried.aim(place);
  place.scrollIntoView({ block: "center", inline: "nearest" });
  const where = place === carried.home ? "where it is" : place.getAttribute("aria-label").replace(/^[^,]*, /, "");
  say(`Place ${number + 1} of ${carried.places.length}: ${where}.`);
}

function putDown(there) {
  const { target, home, id } = carried;
  carried.end();
  carried = null;
  const moves = there && target !== home;
  say(moves ? "" : "It stays where it is.");
  if (moves) act("move", { step: id, to: target.dataset.place });
}

function say(sentence) {
  document.getElementById("carry-said").textContent = sentence;
}

document.addEventListener("htmx:before:swap", () => {
  carried?.end();
  carried = null;
});
document.addEventListener("pointerdown", () => carried && putDown(false));
