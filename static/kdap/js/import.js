// Files dropped anywhere on the page's form are taken at once; without this the input works alone.
const form = document.querySelector("[data-upload]");
const zone = form?.querySelector("[data-dropzone]");
const input = form?.querySelector("input[type=file]");

function take() {
  const [file] = input.files;
  if (!file) return;
  zone.querySelector("[data-file-name]").textContent = `Uploading ${file.name} …`;
  form.requestSubmit();
}

if (form) {
  input.addEventListener("change", take);
  for (const name of ["dragenter", "dragover"]) {
    form.addEventListener(name, (event) => {
      event.preventDefault();
      zone.dataset.over = "";
    });
  }
  for (const name of ["dragleave", "drop"]) {
    form.addEventListener(name, () => delete zone.dataset.over);
  }
  form.addEventListener("drop", (event) => {
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    input.files = event.dataTransfer.files;
    take();
  });
}
