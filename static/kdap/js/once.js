// Whoever presses a button twice means it once: what a form or a button sends, it sends again only
// when the answer is there. htmx would keep the second press and send it after the answer. Where
// hx-sync says what becomes of a second one, that holds.
const LONGEST = 10_000;
const SENDS = "form, button";

function isPress({ request, sourceElement, sourceEvent }) {
  return (
    request.method !== "GET" && ["submit", "click"].includes(sourceEvent?.type) && sourceElement.matches(SENDS)
    && !sourceElement.closest("[hx-sync], [hx-sync\\:inherited]")
  );
}

function rest(element) {
  element.removeAttribute("aria-busy");
}

// Before htmx, or the browser, hears of it.
for (const type of ["submit", "click"]) {
  document.addEventListener(type, (event) => {
    const sender = type === "submit" ? event.target : event.target.closest("button");
    if (sender?.getAttribute("aria-busy") !== "true") return;
    event.preventDefault();
    event.stopImmediatePropagation();
  }, true);
}
document.addEventListener("htmx:before:request", ({ detail: { ctx } }) => {
  if (isPress(ctx)) ctx.sourceElement.setAttribute("aria-busy", "true");
});
document.addEventListener("htmx:finally:request", ({ detail: { ctx } }) => {
  // When the answer leads to another page, it is busy until that one is there.
  if (isPress(ctx) && !ctx.keepIndicators) rest(ctx.sourceElement);
});

// A form without htmx leaves the page, unless its answer is a file: then it rests after a while.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.getAttribute("method") !== "post" || form.hasAttribute("target")) return;
  form.setAttribute("aria-busy", "true");
  setTimeout(rest, LONGEST, form);
});
// The browser may show the page again as it was left.
window.addEventListener("pageshow", () => {
  for (const element of document.querySelectorAll(`:is(${SENDS})[aria-busy]`)) rest(element);
});
