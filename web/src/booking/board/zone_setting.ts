/** The zone, the language and the time for the board: by the calendar's clocks or the visitor's. */

import type { Calendar } from "../../client";
import { dayKey, dayTitle, isZone, timeText, visitorLocale, visitorZone } from "../../ui/time";
import type { Setting } from "./slot_cell";
import type { ZoneChoice } from "./zone_switch";

export class ZoneSetting {
  readonly locale = visitorLocale();
  readonly visitorZone = visitorZone();
  choice: ZoneChoice = "visitor";
  readonly #calendar: Calendar;
  readonly #now: () => number;

  constructor(calendar: Calendar, now: () => number) {
    this.#calendar = calendar;
    this.#now = now;
  }

  /** The setting at this moment. */
  get current(): Setting {
    const { info } = this.#calendar;
    const own = info !== undefined && isZone(info.zone) ? info.zone : this.visitorZone;
    const zone = this.choice === "calendar" ? own : this.visitorZone;
    return { zone, locale: this.locale, now: this.#now() };
  }

  /** Returns the day and the time of a start, as words. */
  words({ start }: { readonly start: string }): string {
    const { zone, now } = this.current;
    const at = Date.parse(start);
    const day = dayTitle(dayKey(at, zone), dayKey(now, zone), this.locale);
    return `${day}, ${timeText(at, zone, this.locale)}`;
  }
}
