/** The banner of a booking that is about to move. It names the booking and has a button to stop. */

import { button } from "../ui/button";
import type { Catalog } from "../language/english";
import { h } from "../ui/dom";
import type { MyBooking } from "./own/own_store";

export class Mover {
  readonly element = h("div", { class: "banner", role: "status", hidden: true });
  readonly #texts: Catalog["move"];
  #booking: MyBooking | undefined;

  constructor({ move }: Catalog) {
    this.#texts = move;
    this.element.dataset.tone = "calm";
  }

  get booking(): MyBooking | undefined {
    return this.#booking;
  }

  start(booking: MyBooking, when: string): void {
    this.#booking = booking;
    const keep = button(this.#texts.keep, () => this.stop(), { kind: "small" });
    const text = when === "" ? this.#texts.pick : this.#texts.pickFor(when);
    this.element.replaceChildren(text, keep);
    this.element.hidden = false;
    this.element.scrollIntoView({ block: "nearest" });
  }

  stop(): void {
    this.#booking = undefined;
    this.element.hidden = true;
  }
}
