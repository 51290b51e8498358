// Runs before the first paint, so that neither theme nor sidebar flickers. Not a module for
// that reason. The theme lives on <html data-theme>: "system", "light" or "dark".
(() => {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");

  function stored(key) {
    try { return localStorage.getItem(key); } catch { return null; }
  }

  function apply() {
    const theme = root.dataset.theme;
    const night = theme === "dark" || (theme !== "light" && dark.matches);
    root.dataset.bsTheme = night ? "dark" : "light";
  }

  root.dataset.theme ||= stored("kdap.theme") || "system";
  if (stored("kdap.sidebar") === "closed") root.dataset.sidebar = "closed";
  apply();
  dark.addEventListener("change", apply);
  new MutationObserver(apply).observe(root, { attributeFilter: ["data-theme"] });
})();
