// The page of a run that is not over asks for itself again: what was unfolded stays so.
let unfolded = [];

document.addEventListener("htmx:before:swap", () => {
  unfolded = [...document.querySelectorAll("#run details[open]")].map((part) => part.id);
});
document.addEventListener("htmx:after:swap", () => {
  for (const id of unfolded) if (id) document.getElementById(id)?.setAttribute("open", "");
});
