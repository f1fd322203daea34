/** Switches the time zone of the board. It offers no choice when both zones are the same. */

import { h, icon, setText } from "../../ui/dom";
import { zoneText } from "../../ui/time";

export type ZoneChoice = "visitor" | "calendar";

export class ZoneSwitch {
  readonly element: HTMLElement;
  readonly #buttons: Readonly<Record<ZoneChoice, HTMLButtonElement>>;
  readonly #single = h("span", { class: "zone-single" });
  readonly #group: HTMLElement;

  constructor(choose: (choice: ZoneChoice) => void) {
    const make = (choice: ZoneChoice) =>
      h("button", { type: "button", class: "segment", onclick: () => choose(choice) });
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

  draw(visitor: string, calendar: string, choice: ZoneChoice, now: number): void {
    const isSame = zoneText(visitor, now) === zoneText(calendar, now);
    this.#single.hidden = !isSame;
    this.#group.hidden = isSame;
    setText(this.#single, `Times in ${zoneText(calendar, now)}`);
    this.#label("visitor", "Your time", zoneText(visitor, now));
    this.#label("calendar", "Local time", zoneText(calendar, now));
    for (const [name, button] of Object.entries(this.#buttons)) {
      button.setAttribute("aria-pressed", String(name === choice));
    }
  }

  #label(choice: ZoneChoice, title: string, zone: string): void {
    const button = this.#buttons[choice];
    if (button.dataset.label === zone) return;
    button.dataset.label = zone;
    const [city, offset] = zone.split(", ");
    button.replaceChildren(
      `${title} · ${city}`,
      h("span", { class: "segment-offset" }, offset === undefined ? "" : ` ${offset}`),
    );
  }
}
