/** The lines of the form about the slot: its day and zone, the visitor's own time, the service and
 * the place. */

import type { Policy, Slot } from "../../client";
import { h } from "../../ui/dom";
import { dayKey, dayTitle, timeText, zoneText } from "../../ui/time";
import type { Setting } from "../board/slot_cell";
import { serviceOf } from "../service";

export interface Times {
  readonly start: string;
  readonly end: string;
}

/** `9:00 – 9:30` */
export function rangeText({ start, end }: Times, zone: string, { locale }: Setting): string {
  const [from, to] = [start, end].map((time) => timeText(Date.parse(time), zone, locale));
  return `${from} – ${to}`;
}

/** Returns the lines under the time of a slot. */
export function slotDetails(
  times: Times,
  slot: Slot | undefined,
  policy: Policy | undefined,
  setting: Setting,
): readonly HTMLElement[] {
  const { zone, beside, locale, now } = setting;
  const { form, zone: zones } = locale.texts;
  const start = Date.parse(times.start);
  const dayIn = (one: string) => dayTitle(dayKey(start, one), dayKey(now, one), locale);
  const lines = [`${dayIn(zone)} · ${zoneText(zone, start, locale.language)}`];
  if (beside !== undefined) {
    const isSameDay = dayKey(start, beside) === dayKey(start, zone);
    const time = rangeText(times, beside, setting);
    lines.push(zones.visitorTime(isSameDay ? time : `${dayIn(beside)}, ${time}`));
  }
  const { title, description, price, location } = serviceOf(slot);
  const place = location || (policy?.place ?? "");
  lines.push(title, description, price && form.price(price), place && form.place(place));
  return lines.filter((line) => line !== "").map((line) => h("p", { class: "sheet-text" }, line));
}
