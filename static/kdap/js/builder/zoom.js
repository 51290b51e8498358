// How large the picture is drawn. Small ones have only the names of steps.
const SIZES = [40, 60, 80, 100];
const KEY = "kdap.builder.zoom";
let size = remembered();

function remembered() {
  // Storage is refused in some private windows; the choice then lasts for the page.
  try { return SIZES.find((one) => String(one) === localStorage.getItem(KEY)) ?? 100; } catch { return 100; }
}

/** Draw the picture a step larger (1) or smaller (-1), or anew (0). */
function zoom(step) {
  const canvas = document.querySelector(".canvas");
  if (!canvas) return;
  size = SIZES[SIZES.indexOf(size) + step] ?? size;
  canvas.dataset.zoom = size;
  for (const button of document.querySelectorAll("[data-zooms]")) {
    button.disabled = !SIZES[SIZES.indexOf(size) + Number(button.dataset.zooms)];
  }
  if (!step) return;
  try { localStorage.setItem(KEY, size); } catch { /* as above */ }
  canvas.querySelector(":focus, .is-chosen")?.scrollIntoView({ block: "center", inline: "center" });
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-zooms]");
  if (button) zoom(Number(button.dataset.zooms));
});
document.addEventListener("keydown", (event) => {
  const step = { "-": -1, "+": 1, "=": 1 }[event.key];
  if (step && event.target.closest?.(".canvas") && !event.ctrlKey && !event.metaKey) zoom(step);
});
document.addEventListener("htmx:after:swap", () => zoom(0));
zoom(0);
