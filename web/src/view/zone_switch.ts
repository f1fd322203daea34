/** In whose zone the times are shown; nothing to choose where both are the same. */

import { h, icon, setText } from "./dom";
import { zoneText } from "./time";

export type Whose = "visitor" | "calendar";

export class ZoneSwitch {
  readonly element: HTMLElement;
  readonly #buttons: Readonly<Record<Whose, HTMLButtonElement>>;
  readonly #single = h("span", { class: "zone-single" });
  readonly #group: HTMLElement;

  constructor(choose: (whose: Whose) => void) {
    const make = (whose: Whose) =>
      h("button", { type: "button", class: "segment", onclick: () => choose(whose) });
    this.#buttons = { visitor: make("visitor"), calendar: make("calendar") };
    this.#buttons.visitor.dataset.zone = "visitor";
    this.#buttons.calendar.dataset.zone = "calendar";
    this.#group = h(
      "span",
      { class: "segments", role: "group", "aria-label": "Show times in" },
      this.#buttons.visitor,
      this.#buttons.calendar,
    );
    this.element = h("p", { class: "zone" }, icon("globe"), this.#single, this.#group);
  }

  draw(visitor: string, calendar: string, whose: Whose, now: number): void {
    const isSame = zoneText(visitor, now) === zoneText(calendar, now);
    this.#single.hidden = !isSame;
    this.#group.hidden = isSame;
    setText(this.#single, `Times in ${zoneText(calendar, now)}`);
    this.#label("visitor", "Your time", zoneText(visitor, now));
    this.#label("calendar", "Local time", zoneText(calendar, now));
    for (const [name, button] of Object.entries(this.#buttons)) {
      button.setAttribute("aria-pressed", String(name === whose));
    }
  }

  #label(whose: Whose, title: string, zone: string): void {
    const button = this.#buttons[whose];
    if (button.dataset.label === zone) return;
    button.dataset.label = zone;
    const [city, offset] = zone.split(", ");
    button.replaceChildren(
      `${title} · ${city}`,
      h("span", { class: "segment-offset" }, offset === undefined ? "" : ` ${offset}`),
    );
  }
}
