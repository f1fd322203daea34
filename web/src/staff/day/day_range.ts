/** The window of the staff page: one day, or the coming days. Pure. */

import { dayKey, instantOf } from "../../ui/time";

/** `to` is where the next day begins, or the last day of the coming ones ends. */
export interface DayRange {
  readonly from: string;
  readonly to: string;
}

/** What the address says: a day like `2027-03-05`, and from when on in it; no day for those that are coming. */
export interface Shown {
  readonly day?: string;
  readonly at?: string;
}

/** As far as a snapshot goes by default. */
const COMING_DAYS = 62;
const DAY_MS = 86_400_000;
const DAY = /^\d{4}-\d{2}-\d{2}$/;

/** A day that there is, from 1970 on: a date that is being typed passes through the year 2. */
export function isDay(text: string | null | undefined): text is string {
  if (!text || !DAY.test(text) || text < "1970-01-02" || text > "9999-12-30") return false;
  const noon = Date.parse(`${text}T12:00:00Z`);
  return !Number.isNaN(noon) && new Date(noon).toISOString().startsWith(text);
}

export function stepDay(day: string, days: number): string {
  const noon = Date.parse(`${day}T12:00:00Z`) + days * DAY_MS;
  const stepped = new Date(noon).toISOString().slice(0, 10);
  return isDay(stepped) ? stepped : day;
}

/** The coming days begin with today as a whole: who came this morning is looked after now. */
export function rangeOf({ day, at }: Shown, zone: string, now: number): DayRange {
  const first = day ?? dayKey(now, zone);
  const begin = instantOf(`${first}T00:00`, zone);
  const end = instantOf(`${stepDay(first, day === undefined ? COMING_DAYS : 1)}T00:00`, zone);
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

export function writeShown(calendar: string, { day, at }: Shown): string {
  const query = new URLSearchParams({ calendar, ...(day && { day }), ...(day && at && { at }) });
  return `?${query}`;
}
