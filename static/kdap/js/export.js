// While a download of many rows runs, tell how far it is. The link itself works without this.
const LONG = 20000;
const EVERY = 1000;

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("[data-download]");
  if (!link || Number(link.dataset.rows) < LONG) return;
  const shown = link.closest("form").querySelector("[data-export-progress]");
  shown.hidden = false;
  follow(link.dataset.download, shown);
});

async function follow(url, shown) {
  const meter = shown.querySelector("progress");
  const text = shown.querySelector("span");
  for (;;) {
    await new Promise((resolve) => { setTimeout(resolve, EVERY); });
    if (!shown.isConnected) return;
    const answer = await fetch(url);
    if (!answer.ok) return;
    const { done, over } = await answer.json();
    meter.value = done;
    text.textContent = over ? "Done" : `${done.toLocaleString()} of ${meter.max.toLocaleString()}`;
    if (over) return;
  }
}
