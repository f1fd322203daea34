/** The panel that opens times, and the sheet of the opening hours. */

import { MOST_SLOTS } from "../../client";
import { h } from "../../ui/dom";
import { OpenForm } from "./open_form";
import { batchesOf, type Opening, slotsOf } from "./opening";
import { askForSchedule } from "../schedule/schedule_form";
import type { StaffContext } from "../staff_context";
import { texts } from "../texts";

export class OpeningPanel {
  readonly element = h("aside", { class: "mine" });
  readonly #context: StaffContext;
  readonly #form: OpenForm;
  readonly #reveal: (start: number) => void;

  constructor(context: StaffContext, reveal: (start: number) => void) {
    this.#context = context;
    this.#reveal = reveal;
    this.#form = new OpenForm((opening) => this.#open(opening));
    this.element.append(
      h(
        "details",
        { class: "opening", open: matchMedia("(min-width: 901px)").matches },
        h("summary", { class: "mine-title" }, texts.opening.title),
        this.#form.element,
      ),
    );
  }

  draw(): void {
    const { locale } = this.#context;
    this.#form.draw(this.#context.zone(), locale, this.#context.now());
  }

  async editHours(): Promise<void> {
    const { root, locale, toasts } = this.#context;
    const [zone, now] = [this.#context.zone(), this.#context.now()];
    const saved = (text: string) => toasts.say(text, "good");
    await this.#context.attempt((calendar) =>
      askForSchedule(root, { calendar, zone, locale, now, saved }),
    );
  }

  async #open(opening: Opening): Promise<void> {
    const calendar = this.#context.calendar();
    if (calendar === undefined) return;
    const slots = slotsOf(opening, this.#context.zone());
    for (const batch of batchesOf(slots, MOST_SLOTS)) await calendar.openSlots(batch);
    this.#context.toasts.say(texts.opening.opened(slots.length), "good");
    if (slots[0] !== undefined) this.#reveal(Date.parse(slots[0].start));
  }
}
