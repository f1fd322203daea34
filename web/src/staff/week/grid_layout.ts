/** Places the slots of a week in the columns of its days: by the minutes of the wall clock, with
 * overlapping slots beside each other. Pure. */

import type { Slot } from "../../client";

export interface Timed extends Pick<Slot, "id" | "start" | "end"> {}

/** A slot in its column: minutes from midnight, and its part of the column's width. */
export interface Placed<Of extends Timed> {
  readonly slot: Of;
  readonly top: number;
  readonly bottom: number;
  readonly lane: number;
  readonly lanes: number;
}

export const DAY_MINUTES = 1_440;
/** A shorter slot could not be read or hit. */
const LEAST_PX = 22;
const LEAST_SCALE = 0.8;
const MOST_SCALE = 4.4;

/** Returns the pixels of a minute: enough for the shortest slot. */
export function scaleOf(slots: readonly Timed[]): number {
  let shortest = 60;
  for (const { start, end } of slots) {
    const minutes = (Date.parse(end) - Date.parse(start)) / 60_000;
    if (minutes > 0 && minutes < shortest) shortest = minutes;
  }
  return Math.min(MOST_SCALE, Math.max(LEAST_SCALE, LEAST_PX / shortest));
}

/** Places the slots of one day, sorted by start. `minutesOf` gives the minutes from the day's
 * midnight on the wall clock. */
export function placeDay<Of extends Timed>(
  slots: readonly Of[],
  minutesOf: (instant: number) => number,
): readonly Placed<Of>[] {
  const placed: Placed<Of>[] = [];
  let group: { slot: Of; top: number; bottom: number; lane: number }[] = [];
  let ends: number[] = [];
  const close = () => {
    const lanes = ends.length;
    placed.push(...group.map((one) => ({ ...one, lanes })));
    [group, ends] = [[], []];
  };
  // In the hour that comes twice the minutes go back.
  const timed = slots.map((slot) => ({
    slot,
    top: Math.max(0, minutesOf(Date.parse(slot.start))),
  }));
  timed.sort((one, other) => one.top - other.top);
  for (const { slot, top } of timed) {
    const length = (Date.parse(slot.end) - Date.parse(slot.start)) / 60_000;
    const bottom = Math.min(DAY_MINUTES, top + length);
    if (ends.length > 0 && ends.every((end) => end <= top)) close();
    const free = ends.findIndex((end) => end <= top);
    const lane = free === -1 ? ends.length : free;
    ends[lane] = bottom;
    group.push({ slot, top, bottom, lane });
  }
  close();
  return placed;
}

/** Rounds minutes to the steps of a drag. */
export const snap = (minutes: number, step: number): number =>
  Math.min(DAY_MINUTES, Math.max(0, Math.round(minutes / step) * step));

/** The name of an hour in the margin: `7 AM` or `07:00`. */
export function hourText(hour: number, isHour12: boolean): string {
  if (!isHour12) return clockOf(hour * 60);
  return `${hour % 12 || 12} ${hour < 12 ? "AM" : "PM"}`;
}

/** `07:30` of minutes from midnight. */
export function clockOf(minutes: number): string {
  const two = (value: number) => String(value).padStart(2, "0");
  return `${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}

/** The slots of a day that begin in one hour, with the minutes that they cover. */
export interface Strip<Of extends Timed> {
  readonly hour: number;
  readonly top: number;
  readonly bottom: number;
  readonly placed: readonly Placed<Of>[];
}

/** Groups the slots of a day, sorted by start, by the hour of their start. */
export function stripsOf<Of extends Timed>(placed: readonly Placed<Of>[]): readonly Strip<Of>[] {
  const strips: (Strip<Of> & { bottom: number; placed: Placed<Of>[] })[] = [];
  for (const one of placed) {
    const hour = Math.floor(one.top / 60);
    let strip = strips.at(-1);
    if (strip?.hour !== hour) {
      strip = { hour, top: one.top, bottom: one.bottom, placed: [] };
      strips.push(strip);
    }
    strip.bottom = Math.max(strip.bottom, one.bottom);
    strip.placed.push(one);
  }
  return strips;
}
