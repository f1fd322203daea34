/** The days of a month for its grid, and the free times of each. Pure but for the read. */

import type { Calendar } from "../../client";
import { dayKey, instantOf } from "../../ui/time";
import type { Setting } from "../board/slot_cell";
import { isTakeable } from "../policy";

/** A window has 2,000 slots at most, so a full month takes some reads. */
const MOST_READS = 5;

/** `2026-12` and one month on. */
export function monthFrom(month: string, by: number): string {
  const at = new Date(`${month}-15T12:00:00Z`);
  at.setUTCMonth(at.getUTCMonth() + by);
  return at.toISOString().slice(0, 7);
}

export function dayFrom(day: string, by: number): string {
  return new Date(Date.parse(`${day}T12:00:00Z`) + by * 86_400_000).toISOString().slice(0, 10);
}

/** Returns the weeks of a month, each with seven days; undefined stands for a day outside of it.
 * `first` is the weekday on which weeks begin, 1 for Monday. */
export function weeksOf(month: string, first: number): readonly (string | undefined)[][] {
  const begin = `${month}-01`;
  const weekday = new Date(`${begin}T12:00:00Z`).getUTCDay();
  const weeks: (string | undefined)[][] = [];
  let day = dayFrom(begin, -((weekday - first + 7) % 7));
  while (day.slice(0, 7) <= month) {
    const week = Array.from({ length: 7 }, (_, place) => dayFrom(day, place));
    weeks.push(week.map((one) => (one.startsWith(month) ? one : undefined)));
    day = dayFrom(day, 7);
  }
  return weeks;
}

/** Reads the number of free times on each day of a month. */
export async function readFree(
  calendar: Calendar,
  month: string,
  { zone, now }: Setting,
): Promise<ReadonlyMap<string, number>> {
  const free = new Map<string, number>();
  const { info } = calendar;
  let from = Math.max(now, instantOf(`${month}-01T00:00`, zone));
  const end = instantOf(`${monthFrom(month, 1)}-01T00:00`, zone);
  for (let reads = 0; reads < MOST_READS && from < end; reads += 1) {
    const iso = (instant: number) => new Date(instant).toISOString();
    const { slots, to } = await calendar.look(iso(from), iso(end));
    for (const slot of slots) {
      if (!isTakeable(slot, info?.policy, info?.archived ?? false, now)) continue;
      const day = dayKey(Date.parse(slot.start), zone);
      free.set(day, (free.get(day) ?? 0) + 1);
    }
    from = Date.parse(to) > from ? Date.parse(to) : end;
  }
  return free;
}
