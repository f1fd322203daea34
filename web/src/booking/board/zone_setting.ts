/** The zone, the language and the time for the board: by the calendar's clocks or the visitor's. */

import type { Calendar } from "../../client";
import {
  dayKey,
  dayTitle,
  isSameClock,
  isZone,
  type Locale,
  timeText,
  visitorZone,
} from "../../ui/time";
import { learnOffsets } from "../../ui/zone_data";
import type { Setting } from "./slot_cell";
import type { ZoneChoice } from "./zone_switch";

export class ZoneSetting {
  readonly locale: Locale;
  readonly visitorZone: string;
  #choice: ZoneChoice | undefined;
  readonly #calendar: Calendar;
  readonly #now: () => number;
  #hasOneClock = false;

  /** `asked` is the wish of the page: `calendar`, or the visitor's zone. */
  constructor(calendar: Calendar, locale: Locale, now: () => number, asked = "") {
    if (asked !== "") this.#choice = asked === "calendar" ? "calendar" : "visitor";
    this.visitorZone = asked !== "" && isZone(asked) ? asked : visitorZone();
    this.locale = locale;
    this.#calendar = calendar;
    this.#now = now;
  }

  /** Takes over the offsets of the calendar's zone. */
  learn(): void {
    const { info, offsets, covered } = this.#calendar;
    if (info !== undefined) learnOffsets(info.zone, offsets, covered.to);
    const [from, to] = [Date.parse(covered.from), Date.parse(covered.to)];
    this.#hasOneClock = isSameClock(this.visitorZone, this.#ownZone, from, to);
  }

  /** The visitor comes to a place by its clock. */
  get choice(): ZoneChoice {
    return this.#choice ?? (this.#calendar.info?.policy.place ? "calendar" : "visitor");
  }

  set choice(choice: ZoneChoice) {
    this.#choice = choice;
  }

  /** Whether the clocks of the visitor and of the calendar show the same times in the window. */
  get hasOneClock(): boolean {
    return this.#hasOneClock;
  }

  get #ownZone(): string {
    const { info } = this.#calendar;
    return info !== undefined && isZone(info.zone) ? info.zone : this.visitorZone;
  }

  /** The setting at this moment. */
  get current(): Setting {
    const isOwn = this.choice === "calendar" || this.#hasOneClock;
    const zone = isOwn ? this.#ownZone : this.visitorZone;
    const hasPlace = Boolean(this.#calendar.info?.policy.place);
    const beside = hasPlace && isOwn && !this.#hasOneClock ? this.visitorZone : undefined;
    return { zone, beside, locale: this.locale, now: this.#now() };
  }

  /** The day of a start on the shown clocks. */
  dayOf({ start }: { readonly start: string }): string {
    return dayKey(Date.parse(start), this.current.zone);
  }

  /** Returns the day and the time of a start, as words. */
  words({ start }: { readonly start: string }): string {
    const { zone, now } = this.current;
    const at = Date.parse(start);
    const day = dayTitle(dayKey(at, zone), dayKey(now, zone), this.locale);
    return `${day}, ${timeText(at, zone, this.locale)}`;
  }
}
