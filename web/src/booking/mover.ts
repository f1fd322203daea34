/** The banner of a booking that is about to move. It names the booking and has a button to stop. */

import { button } from "../ui/button";
import { h } from "../ui/dom";
import type { MyBooking } from "./own/own_store";

export class Mover {
  readonly element = h("div", { class: "banner", role: "status", hidden: true });
  #booking: MyBooking | undefined;

  constructor() {
    this.element.dataset.tone = "calm";
  }

  get booking(): MyBooking | undefined {
    return this.#booking;
  }

  start(booking: MyBooking, when: string): void {
    this.#booking = booking;
    const keep = button("Keep it as it is", () => this.stop(), { kind: "small" });
    const which = when === "" ? "your booking" : `your booking on ${when}`;
    this.element.replaceChildren(`Pick the new time for ${which}.`, keep);
    this.element.hidden = false;
    this.element.scrollIntoView({ block: "nearest" });
  }

  stop(): void {
    this.#booking = undefined;
    this.element.hidden = true;
  }
}
