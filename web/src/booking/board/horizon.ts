/** The end of the shown window, with buttons to move it. */

import { button } from "../../ui/button";
import type { Calendar } from "../../client";
import { h, setText } from "../../ui/dom";
import type { Catalog } from "../../language/english";

const STEP_MS = 62 * 86_400_000;

export class Horizon {
  readonly element = h("p", { class: "horizon" });
  readonly #calendar: Calendar;
  readonly #now: () => number;
  readonly #texts: Catalog["board"];
  readonly #button: HTMLButtonElement;
  readonly #back: HTMLButtonElement;
  readonly #until = h("span", {});
  #wanted_to: string | undefined;

  constructor(calendar: Calendar, { board }: Catalog, now: () => number) {
    this.#texts = board;
    this.#calendar = calendar;
    this.#now = now;
    this.#button = button(board.further, () => this.#further(), { kind: "small" });
    this.#back = button(board.back, () => this.#restart(), { kind: "small" });
    this.element.append(this.#until, this.#button, this.#back);
  }

  draw(dateText: (instant: number) => string): void {
    this.element.hidden = !this.#calendar.isLoaded;
    const { from, to } = this.#calendar.covered;
    const end = Date.parse(to);
    if (!Number.isNaN(end)) setText(this.#until, this.#texts.until(dateText(end)));
    this.#back.hidden = Date.parse(from) <= this.#now() + STEP_MS / 2;
  }

  /** Doubles the window. After a cut snapshot the window begins at its end. */
  #further(): void {
    const { from, to } = this.#calendar.covered;
    const isCut = this.#wanted_to !== undefined && Date.parse(to) < Date.parse(this.#wanted_to);
    const further = new Date(Date.parse(to) + STEP_MS).toISOString();
    this.#wanted_to = further;
    this.#calendar.window(isCut ? to : from, further);
  }

  #restart(): void {
    this.#wanted_to = undefined;
    this.#calendar.window(undefined, undefined);
  }
}
