/** Switches the time zone of the board. It offers no choice when both zones are the same. */

import { h, icon, setText } from "../../ui/dom";
import type { Catalog } from "../../language/english";
import type { Locale } from "../../language/language";
import { zoneText } from "../../ui/time";

export type ZoneChoice = "visitor" | "calendar";

/** An offset may change at a quarter of an hour. */
const SAME_MS = 900_000;

export class ZoneSwitch {
  readonly element: HTMLElement;
  readonly #buttons: Readonly<Record<ZoneChoice, HTMLButtonElement>>;
  readonly #single = h("span", { class: "zone-single" });
  readonly #group: HTMLElement;
  readonly #texts: Catalog["zone"];
  readonly #language: string;
  #drawn = "";

  constructor({ texts: { zone }, language }: Locale, choose: (choice: ZoneChoice) => void) {
    this.#texts = zone;
    this.#language = language;
    const make = (choice: ZoneChoice) =>
      h("button", { type: "button", class: "segment", onclick: () => choose(choice) });
    this.#buttons = { visitor: make("visitor"), calendar: make("calendar") };
    this.#buttons.visitor.dataset.zone = "visitor";
    this.#buttons.calendar.dataset.zone = "calendar";
    this.#group = h(
      "span",
      { class: "segments", role: "group", "aria-label": zone.group },
      this.#buttons.visitor,
      this.#buttons.calendar,
    );
    this.element = h("p", { class: "zone" }, icon("globe"), this.#single, this.#group);
  }

  draw(visitor: string, calendar: string, isSame: boolean, choice: ZoneChoice, now: number): void {
    const drawn = [visitor, calendar, isSame, choice, Math.floor(now / SAME_MS)].join();
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    this.#single.hidden = !isSame;
    this.#group.hidden = isSame;
    setText(this.#single, this.#texts.single(zoneText(calendar, now, this.#language)));
    this.#label("visitor", this.#texts.visitor, visitor, now);
    this.#label("calendar", this.#texts.calendar, calendar, now);
    for (const [name, button] of Object.entries(this.#buttons)) {
      button.setAttribute("aria-pressed", String(name === choice));
    }
  }

  #label(choice: ZoneChoice, title: string, zone: string, now: number): void {
    const button = this.#buttons[choice];
    const [city, offset] = zoneText(zone, now).split(", ");
    button.title = zoneText(zone, now, this.#language);
    button.replaceChildren(
      `${title} · ${city}`,
      h("span", { class: "segment-offset" }, offset === undefined ? "" : ` ${offset}`),
    );
  }
}
