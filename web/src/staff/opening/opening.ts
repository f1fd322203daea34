/** Computes slots of equal length in a row, on one day or on several. Pure. */

import type { NewSlot } from "../../client";
import { instantOf } from "../../ui/time";

export interface Opening {
  /** `2026-11-24`, in the calendar's zone. */
  readonly date: string;
  /** `09:00`, in the calendar's zone. */
  readonly time: string;
  readonly minutes: number;
  /** The number of slots in a row. */
  readonly count: number;
  readonly capacity: number;
  /** The number of days from `date` on. */
  readonly days: number;
  readonly isWithoutWeekends: boolean;
}

const DAY_MS = 86_400_000;

/** The wall clock gives a day's first slot. The others follow in real time. */
export function slotsOf(opening: Opening, zone: string): readonly NewSlot[] {
  const { date, time, minutes, count, capacity, days } = opening;
  const length = minutes * 60_000;
  const slots: NewSlot[] = [];
  let noon = Date.parse(`${date}T12:00:00Z`);
  if (Number.isNaN(noon) || !(length > 0)) return [];
  for (let open = 0; open < days; noon += DAY_MS) {
    const day = new Date(noon);
    if (opening.isWithoutWeekends && day.getUTCDay() % 6 === 0) continue;
    open += 1;
    const first = instantOf(`${day.toISOString().slice(0, 10)}T${time}`, zone);
    for (let place = 0; place < count; place += 1) {
      const start = new Date(first + place * length).toISOString();
      const end = new Date(first + (place + 1) * length).toISOString();
      slots.push({ start, end, capacity });
    }
  }
  return slots;
}

/** Splits the slots into requests of allowed size. */
export function batchesOf(slots: readonly NewSlot[], most: number): readonly NewSlot[][] {
  const batches: NewSlot[][] = [];
  for (let at = 0; at < slots.length; at += most) batches.push(slots.slice(at, at + most));
  return batches;
}
