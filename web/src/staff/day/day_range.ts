/** The window of the staff page: one day, or the coming days. Pure. */

import { dayKey, instantOf } from "../../ui/time";

/** `to` is the start of the day after the shown ones. */
export interface DayRange {
  readonly from: string;
  readonly to: string;
}

/** The shown days in the address: a day like `2027-03-05`, and a time of it; no day stands for the
 * coming days. With `isWeek` they are the week of the day, or of today. */
export interface Shown {
  readonly day?: string;
  readonly at?: string;
  readonly isWeek?: boolean;
}

/** The default length of a snapshot. */
const COMING_DAYS = 62;
const DAY_MS = 86_400_000;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** Accepts days from 1970 on. While staff type a date, it passes through the year 2. */
export function isDay(text: string | null | undefined): text is string {
  if (!text || !DAY.test(text) || text < "1970-01-02" || text > "9999-12-30") return false;
  const noon = Date.parse(`${text}T12:00:00Z`);
  return !Number.isNaN(noon) && new Date(noon).toISOString().startsWith(text);
}

/** Returns the day after so many days. A text that is no day stays. */
export function stepDay(day: string, days: number): string {
  if (!isDay(day)) return day;
  const stepped = dayAfter(day, days);
  return isDay(stepped) ? stepped : day;
}

/** Returns the Monday of the day's week. */
export function mondayOf(day: string): string {
  const weekday = new Date(`${day}T12:00:00Z`).getUTCDay();
  return stepDay(day, -((weekday + 6) % 7));
}

/** Returns the days of the week, from Monday on. */
export const weekOf = (day: string): readonly string[] => {
  const monday = mondayOf(day);
  return Array.from({ length: 7 }, (_, place) => stepDay(monday, place));
};

const dayAfter = (day: string, days: number): string =>
  new Date(Date.parse(`${day}T12:00:00Z`) + days * DAY_MS).toISOString().slice(0, 10);

/** The coming days begin with the whole of today, as staff look after this morning's bookings now.
 */
export function rangeOf({ day, at, isWeek }: Shown, zone: string, now: number): DayRange {
  const today = dayKey(now, zone);
  const first = isWeek ? mondayOf(day ?? today) : (day ?? today);
  const days = isWeek ? 7 : day === undefined ? COMING_DAYS : 1;
  const begin = instantOf(`${first}T00:00`, zone);
  const end = instantOf(`${dayAfter(first, days)}T00:00`, zone);
  const later = Date.parse(at ?? "");
  const from = later > begin && later < end ? later : begin;
  return { from: new Date(from).toISOString(), to: new Date(end).toISOString() };
}

export function readShown(query: string): Shown {
  const given = new URLSearchParams(query);
  const [day, at] = [given.get("day"), given.get("at")];
  if (!isDay(day)) return {};
  return at === null || Number.isNaN(Date.parse(at)) ? { day } : { day, at };
}

export const writeShown = ({ day, at }: Shown) => ({ day, at: day && at });
