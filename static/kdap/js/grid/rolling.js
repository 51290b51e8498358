// While rows roll by, frozen columns lie still in them. A sticky element is a layer of its own for
// the browser to move; one in each of forty rows takes most of a frame. Nothing differs to look
// at as long as nothing moves sideways, and as soon as something does they are sticky again.

const CALM = 150;

/** Keeps the frozen columns of `canvas` from being sticky while `scroller` scrolls up and down. */
export class Rolling {
  constructor(scroller, canvas) {
    Object.assign(this, { scroller, canvas, left: 0, sideways: -CALM, on: false });
    // A finger goes both ways at once.
    if (matchMedia("(pointer: coarse)").matches) return;
    scroller.addEventListener("scroll", (event) => this.#scrolled(event), { passive: true });
    scroller.addEventListener("wheel", (event) => {
      if (event.deltaX || event.shiftKey) this.#turned(event);
    }, { passive: true });
  }

  #scrolled(event) {
    const { scrollLeft } = this.scroller;
    if (scrollLeft !== this.left) {
      this.left = scrollLeft;
      this.#turned(event);
    } else if (event.timeStamp - this.sideways > CALM) {
      this.#roll();
    }
  }

  #roll() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#stop(), CALM);
    if (this.on) return;
    this.on = true;
    this.canvas.style.setProperty("--pinned", `${this.left}px`);
    this.canvas.classList.add("is-rolling");
  }

  #turned({ timeStamp }) {
    this.sideways = timeStamp;
    this.#stop();
  }

  #stop() {
    if (!this.on) return;
    this.on = false;
    this.canvas.classList.remove("is-rolling");
  }
}
