// The page on which steps are put together: what it can do better with a script.
import "./panel.js";
import "./zoom.js";
import "./picture.js";
import "./keys.js";
import "./dragging.js";
