/** Controls the shown days of the staff page. The address keeps them. They change by steps, by date, or by
 * the next booking. */

import { button } from "../../ui/button";
import type { StaffBooking, StaffCalendar } from "../../client";
import { findBooking } from "./booking_search";
import { DayJump } from "./day_jump";
import { type DayRange, rangeOf, readShown, type Shown, writeShown } from "./day_range";
import { h } from "../../ui/dom";
import { writeQuery } from "../../ui/query";
import { dayKey, dayTitle, type Locale, timeText } from "../../ui/time";
import { texts } from "../texts";

export interface DayViewParts {
  readonly locale: Locale;
  now(): number;
  zone(): string;
  /** Returns whether a booking counts for the search. */
  isWanted(booking: StaffBooking): boolean;
  changed(): void;
  say(text: string): void;
  attempt(work: () => Promise<void>): Promise<void>;
}

const NOWHERE: DayRange = { from: "", to: "" };

export class DayView {
  readonly #parts: DayViewParts;
  readonly #jump = new DayJump({
    show: (shown) => this.show(shown),
    seek: (direction) => void this.#seek(direction),
  });
  readonly #rest = h("p", { class: "horizon", hidden: true });
  #calendar: StaffCalendar | undefined;
  #shown = readShown(location.search);
  #range = NOWHERE;
  #isWeek = false;

  constructor(parts: DayViewParts) {
    this.#parts = parts;
  }

  /** The buttons, and the line with the end of the answer. */
  get elements(): { readonly head: HTMLElement; readonly rest: HTMLElement } {
    return { head: this.#jump.element, rest: this.#rest };
  }

  /** The chosen day; none for the coming days. */
  get day(): string | undefined {
    return this.#shown.day;
  }

  /** The shown range. */
  get range(): DayRange {
    return this.#range;
  }

  /** Whether the calendar has the shown range. After a choice it takes a moment. */
  get isAnswered(): boolean {
    return Date.parse(this.#calendar?.covered.from ?? "") === Date.parse(this.#range.from);
  }

  /** Goes to the next or the previous day or week. */
  step(direction: 1 | -1): void {
    this.#jump.step(direction);
  }

  today(): void {
    this.show({ day: dayKey(this.#parts.now(), this.#parts.zone()) });
  }

  /** Shows whole weeks, or days, from the next `restore` on. */
  set isWeek(is: boolean) {
    this.#isWeek = is;
  }

  /** Takes the shown days of the address again. */
  restore(): void {
    this.#shown = readShown(location.search);
    this.show(this.#shown);
  }

  choose(calendar: StaffCalendar): void {
    this.#calendar = calendar;
    this.#range = NOWHERE;
    this.restore();
  }

  /** Writes the shown days into the address, for a reload and for a colleague. */
  show(shown: Shown): void {
    if (this.#calendar === undefined) return;
    const isOther = shown.day !== this.#shown.day;
    this.#shown = { ...shown, isWeek: this.#isWeek };
    writeQuery({ calendar: this.#calendar.id, ...writeShown(shown) }, isOther);
    this.look();
    this.#parts.changed();
  }

  /** Shows the day of this instant, unless it is shown already. */
  reveal(start: number): void {
    const { from, to } = this.#range;
    if (start >= Date.parse(from) && start < Date.parse(to)) return;
    this.show({ day: dayKey(start, this.#parts.zone()) });
  }

  /** Subscribes to the range if it has changed, by a choice or at midnight. */
  look(): void {
    const range = rangeOf(this.#shown, this.#parts.zone(), this.#parts.now());
    if (range.from === this.#range.from && range.to === this.#range.to) return;
    this.#range = range;
    this.#calendar?.window(range.from, range.to);
  }

  draw(): void {
    const { locale, now, zone } = this.#parts;
    this.look();
    this.#jump.draw(this.#shown, zone(), now(), locale);
    if (this.isAnswered) this.#drawRest(zone(), locale);
  }

  #drawRest(zone: string, locale: Locale): void {
    const reached = this.#reached;
    const isCut = reached !== this.#range.to;
    this.#rest.hidden = !isCut && (this.day !== undefined || this.#isWeek);
    const at = Date.parse(reached);
    const day = dayKey(at, zone);
    const time = isCut ? `, ${timeText(at, zone, locale)}` : "";
    const text = texts.days.until(dayTitle(day, "", locale) + time);
    if (this.#rest.dataset.reached === text + reached) return;
    this.#rest.dataset.reached = text + reached;
    const onclick = () => this.show(isCut ? { day, at: reached } : { day });
    const go = button(texts.days.goOn, onclick, { kind: "small" });
    this.#rest.replaceChildren(h("span", {}, text), go);
  }

  /** The end of the answer. The server cuts an answer with too many slots. */
  get #reached(): string {
    const to = this.#calendar?.covered.to ?? "";
    const isCut = this.isAnswered && Date.parse(to) < Date.parse(this.#range.to);
    return isCut ? to : this.#range.to;
  }

  async #seek(direction: 1 | -1): Promise<void> {
    const [calendar, shown] = [this.#calendar, this.#shown];
    if (calendar === undefined) return;
    const edge = Date.parse(direction === 1 ? this.#reached : this.#range.from);
    const asked = {
      list: (from: string, to: string) => calendar.listBookings(from, to),
      look: (from: string, to: string) => calendar.look(from, to),
    };
    await this.#parts.attempt(async () => {
      const start = await findBooking(asked, edge, direction, this.#parts.isWanted);
      if (this.#calendar !== calendar || this.#shown !== shown) return;
      if (start !== undefined) this.show({ day: dayKey(start, this.#parts.zone()) });
      else this.#parts.say(direction === 1 ? texts.days.noLater : texts.days.noEarlier);
    });
  }
}
