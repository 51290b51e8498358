// The places at which a step that is carried can be put down.

const canvas = () => document.querySelector(".canvas");

/** A step on its way to another place, by pointer or by keyboard. */
export class Carried {
  constructor(node) {
    this.node = node;
    this.id = node.dataset.id;
    this.name = node.querySelector("strong").textContent;
    const own = node.dataset.place;
    const after = own.replace(/\d+$/, (number) => Number(number) + 1);
    const outside = [...canvas().querySelectorAll(".add-step")].filter(
      ({ dataset }) => !dataset.place.startsWith(`${own}/`),
    );
    // Where it stands counts once: the places before and after it are the same to it.
    this.places = outside.filter(({ dataset }) => dataset.place !== after);
    this.home = outside.find(({ dataset }) => dataset.place === own);
    this.target = this.home;
    canvas().classList.add("is-carrying");
    node.classList.add("is-carried");
    for (const place of this.places) place.classList.add("is-place");
    this.home.classList.add("is-home");
  }

  /** Aim at one of the places, or at none. */
  aim(place) {
    if (place === this.target) return;
    this.target?.classList.remove("is-target");
    this.target = place;
    if (place !== this.home) place?.classList.add("is-target");
  }

  /** Put everything back as it was. */
  end() {
    canvas()?.classList.remove("is-carrying");
    this.node.classList.remove("is-carried");
    for (const place of this.places) place.classList.remove("is-place", "is-home", "is-target");
  }
}
