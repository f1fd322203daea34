/** Formats instants for people in a time zone. Pure: the zone, the locale and the time are arguments. */

import { type Catalog, ENGLISH } from "../language/english.ts";
import type { Locale } from "../language/language.ts";
import { isInBrowser, isZone, knownOffset } from "./zone_data.ts";

export { isZone, type Locale };

type Clock = Pick<Locale, "language" | "hour12">;

const formats = new Map<string, Intl.DateTimeFormat>();

function format(language: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = language + JSON.stringify(options);
  let made = formats.get(key);
  if (made === undefined) {
    made = new Intl.DateTimeFormat(language, options);
    formats.set(key, made);
  }
  return made;
}

export const visitorZone = (): string => Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Returns the date in `zone`, as `2026-11-24`. Texts sort and compare like dates. */
export function dayKey(instant: number, zone: string): string {
  const parts = wallParts(instant, zone);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${parts.year}-${two(parts.month)}-${two(parts.day)}`;
}

/** Returns the time in `zone` as a time input takes it: `09:30`. */
export function wallClock(instant: number, zone: string): string {
  const { hour, minute } = wallParts(instant, zone);
  return `${String(hour).padStart(2, "0")}:${String(minute).padStart(2, "0")}`;
}

/** `Tuesday, 24 November`, with the year if it is not this one. */
export function dayTitle(
  key: string,
  today: string,
  { language }: Pick<Clock, "language">,
): string {
  const isThisYear = key.slice(0, 4) === today.slice(0, 4);
  return format(language, {
    timeZone: "UTC",
    weekday: "long",
    day: "numeric",
    month: "long",
    ...(isThisYear ? {} : { year: "numeric" }),
  }).format(noonOf(key));
}

export function dayParts(key: string, { language }: Pick<Clock, "language">) {
  const part = (options: Intl.DateTimeFormatOptions) =>
    format(language, { timeZone: "UTC", ...options }).format(noonOf(key));
  return {
    weekday: part({ weekday: "short" }),
    day: part({ day: "numeric" }),
    month: part({ month: "short" }),
  };
}

/** `Today`, `Tomorrow`, or nothing. */
export function nearness(key: string, today: string, texts: Catalog = ENGLISH): string {
  const days = Math.round((noonOf(key) - noonOf(today)) / 86_400_000);
  return days === 0 ? texts.time.today : days === 1 ? texts.time.tomorrow : "";
}

const noonOf = (key: string): number => Date.parse(`${key}T12:00:00Z`);

/** `9:30 AM` or `09:30`. The hour that a clock shows twice in autumn has its offset too: `2:30 AM GMT+2`. */
export function timeText(instant: number, zone: string, { language, hour12 }: Clock): string {
  const [timeZone, shown] = shownIn(zone, instant);
  const text = format(language, {
    timeZone,
    hour: hour12 ? "numeric" : "2-digit",
    minute: "2-digit",
    hour12,
  })
    .format(shown)
    .replace("24:", "00:");
  return isTwice(instant, zone) ? `${text} ${offsetText(zone, instant)}` : text;
}

/** `Berlin, GMT+1`: the city of the zone and its offset at that instant. With a language also the name
 * of the zone, as `Berlin, Mitteleuropäische Zeit, GMT+1`: cities are in English only. */
export function zoneText(zone: string, instant: number, language?: string): string {
  const city = (zone.split("/").at(-1) ?? zone).replaceAll("_", " ");
  const offset = offsetText(zone, instant);
  if (offset === undefined || city === "UTC") return city;
  const name = language === undefined ? undefined : zoneName(zone, instant, language);
  return [city, name, offset].filter(Boolean).join(", ");
}

/** Returns the name of the zone in a language; none where the browser has only its offset. */
function zoneName(zone: string, instant: number, language: string): string | undefined {
  if (!isInBrowser(zone)) return undefined;
  const name = partOf(instant, language, { timeZone: zone, timeZoneName: "longGeneric" });
  return name === undefined || /^(GMT|UTC)/.test(name) ? undefined : name;
}

const partOf = (instant: number, language: string, options: Intl.DateTimeFormatOptions) =>
  format(language, options)
    .formatToParts(instant)
    .find((part) => part.type === "timeZoneName")?.value;

function offsetText(zone: string, instant: number): string | undefined {
  const known = knownOffset(zone, instant);
  if (known !== undefined) return gmtText(known);
  return partOf(instant, "en", { timeZone: zone, timeZoneName: "shortOffset" });
}

/** `GMT+5:30`, as Intl writes it. */
function gmtText(offset_ms: number): string {
  const minutes = Math.abs(Math.round(offset_ms / 60_000));
  if (minutes === 0) return "GMT";
  const rest = minutes % 60 === 0 ? "" : `:${String(minutes % 60).padStart(2, "0")}`;
  return `GMT${offset_ms < 0 ? "-" : "+"}${Math.floor(minutes / 60)}${rest}`;
}

/** Returns the zone in which Intl shows an instant, and the instant: by the server's offset if it is
 * known. */
function shownIn(zone: string, instant: number): readonly [zone: string, instant: number] {
  const known = knownOffset(zone, instant);
  return known === undefined ? [zone, instant] : ["UTC", instant + known];
}

const SAMPLES = 60;

/** Whether the clocks of two zones show the same times between two instants. */
export function isSameClock(one: string, other: string, from: number, to: number): boolean {
  if (one === other) return true;
  const step = Math.max(1, (to - from) / SAMPLES);
  for (let instant = from; instant <= to; instant += step) {
    if (wallTime(instant, one) !== wallTime(instant, other)) return false;
  }
  return true;
}

/** `4:59`, `0:07`, `1:02:03`; never negative. Rounded up, so that 0:00 means over. */
export function countdownText(left_ms: number): string {
  const seconds = Math.max(0, Math.ceil(left_ms / 1_000));
  const two = (value: number) => String(value).padStart(2, "0");
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours > 0) return `${hours}:${two(minutes % 60)}:${two(seconds % 60)}`;
  return `${minutes}:${two(seconds % 60)}`;
}

/** `45 min`, `1 h`, `1 h 30 min`, `2 days`. */
export function durationText(length_ms: number, { time }: Catalog = ENGLISH): string {
  const minutes = Math.round(length_ms / 60_000);
  if (minutes >= 2_880 && minutes % 1_440 === 0) return time.days(minutes / 1_440);
  const hours = Math.floor(minutes / 60);
  const rest = minutes % 60;
  if (hours === 0) return time.minutes(rest);
  return rest === 0 ? time.hours(hours) : `${time.hours(hours)} ${time.minutes(rest)}`;
}

/** Returns the wall clock in `zone` as the UTC instant with the same figures. */
function wallTime(instant: number, zone: string): number {
  const { year, month, day, hour, minute, second } = wallParts(instant, zone);
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

const HOUR_MS = 3_600_000;
/** No clock is set by more. */
const SHIFT_HOURS = 3;
const MOST_HOURS = 5_000;
/** Whether an hour is near a change of the clock. Thousands of times are drawn, and few are. */
const changing = new Map<string, boolean>();

/** Whether the clock in `zone` shows this time twice. */
function isTwice(instant: number, zone: string): boolean {
  if (!isChanging(Math.floor(instant / HOUR_MS), zone)) return false;
  const wall = wallTime(instant, zone);
  return [-SHIFT_HOURS, SHIFT_HOURS].some((hours) => {
    const near = instant + hours * HOUR_MS;
    const other = wall - (wallTime(near, zone) - near);
    return other !== instant && wallTime(other, zone) === wall;
  });
}

function isChanging(hour: number, zone: string): boolean {
  const key = `${zone} ${hour}`;
  let is = changing.get(key);
  if (is === undefined) {
    if (changing.size >= MOST_HOURS) changing.clear();
    const offset = (at: number) => wallTime(at * HOUR_MS, zone) - at * HOUR_MS;
    is = offset(hour - SHIFT_HOURS) !== offset(hour + SHIFT_HOURS + 1);
    changing.set(key, is);
  }
  return is;
}

function wallParts(instant: number, zone: string) {
  const [timeZone, shown] = shownIn(zone, instant);
  const parts = format("en-US", {
    timeZone,
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
    hourCycle: "h23",
  }).formatToParts(shown);
  const of = (type: string) => Number(parts.find((part) => part.type === type)?.value);
  return {
    year: of("year"),
    month: of("month"),
    day: of("day"),
    hour: of("hour"),
    minute: of("minute"),
    second: of("second"),
  };
}

/** Returns the instant of `2026-11-24T09:00` on the clocks in `zone`. A time in a gap takes the
 * offset before it, one in an overlap its first occurrence (RFC 5545, 3.3.5). */
export function instantOf(wall: string, zone: string): number {
  const wanted = Date.parse(`${wall}Z`);
  const offsetAt = (instant: number) => wallTime(instant, zone) - instant;
  const day = 86_400_000;
  const before = wanted - offsetAt(wanted - day);
  if (wallTime(before, zone) === wanted) return before;
  const after = wanted - offsetAt(wanted + day);
  return wallTime(after, zone) === wanted ? after : before;
}
