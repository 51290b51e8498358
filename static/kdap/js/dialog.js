// The one <dialog id="dialog">. A link opens its page in it with
//   <a href="/x/" hx-get="/x/" hx-target="#dialog">
// and works without a script as well. A server closes it with HX-Trigger: dialog:close.
const dialog = document.getElementById("dialog");

/** Close the dialog and forget what it showed. */
export function closeDialog() {
  dialog?.close();
  // At once: an answer that is still on its way to a part of it must not open it again.
  dialog?.replaceChildren();
}

if (dialog) {
  document.addEventListener("htmx:after:swap", (event) => {
    const filled = event.detail.ctx?.target === dialog || dialog.contains(event.target);
    if (!filled || dialog.open || !dialog.firstElementChild) return;
    dialog.showModal();
    dialog.querySelector("[autofocus]")?.focus();
  });
  document.addEventListener("dialog:close", closeDialog);
  dialog.addEventListener("close", () => { if (!dialog.open) dialog.replaceChildren(); });
  dialog.addEventListener("click", (event) => {
    const closer = event.target.closest("[data-dialog-close]");
    if (closer) event.preventDefault();
    if (closer || event.target === dialog) closeDialog();
  });
}
