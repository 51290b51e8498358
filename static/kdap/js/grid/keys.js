// What the keys of this machine are.

/** Whether ⌘ stands where other machines have Ctrl. */
export const isMac = /Mac|iPhone|iPad/.test(navigator.platform);
