/** Opening hours in two forms: week by week for staff, and the server's schedule. Pure. */

import type { Fields, Schedule, ScheduleAnswer, Window } from "../../client";

export type { Schedule } from "../../client";
import { texts } from "../texts";

export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
export type Day = (typeof DAYS)[number];

export const dayName = (day: Day): string => texts.hours.day[day];

/** Wall times, like `09:00`; an end at or before the start is on the next day. */
export interface Hours {
  readonly start: string;
  readonly end: string;
}

/** Dates, both included. `name` is the reason. */
export interface Closed {
  readonly from: string;
  readonly until: string;
  readonly name?: string | null;
}

/** Hours on the dates of a rule of RFC 5545. `origin` is the schedule's window; a new one has none. */
export interface RuleHours extends Hours {
  readonly rrule: string;
  readonly origin?: Window;
}

/** The values of the form. `until` is empty without a last day. */
export interface Plan {
  readonly week: Readonly<Record<Day, readonly Hours[]>>;
  readonly rules: readonly RuleHours[];
  readonly slot_minutes: number;
  readonly capacity: number;
  readonly from: string;
  readonly until: string;
  readonly horizon_days: number;
  readonly closed: readonly Closed[];
}

const NINE_TO_FIVE: readonly Hours[] = [{ start: "09:00", end: "17:00" }];

/** The plan to begin with: the schedule's, or office hours where there is none yet. */
export function planOf(schedule: Schedule | null, today: string): Plan {
  const of = (day: Day): readonly Hours[] => {
    if (schedule === null) return day === "sat" || day === "sun" ? [] : NINE_TO_FIVE;
    const windows = schedule.windows.filter(
      (window) => isPlain(window) && window.days?.includes(day),
    );
    const shown = windows.map(({ start, end }) => ({ start, end: shownEnd(end) }));
    return shown.sort((a, b) => a.start.localeCompare(b.start));
  };
  return {
    week: Object.fromEntries(DAYS.map((day) => [day, of(day)])) as Plan["week"],
    rules: (schedule?.windows ?? []).flatMap((origin) => {
      const { rrule, start, end } = origin;
      return rrule === undefined ? [] : [{ rrule, start, end: shownEnd(end), origin }];
    }),
    slot_minutes: schedule?.slot_minutes ?? 30,
    capacity: schedule?.capacity ?? 1,
    from: schedule?.from ?? today,
    until: schedule?.until ?? "",
    horizon_days: schedule?.horizon_days ?? 90,
    closed: (schedule?.closed ?? []).map((item) =>
      typeof item === "string" ? { from: item, until: item } : item,
    ),
  };
}

/** A clock field has no 24:00; midnight as an end means the same. */
const shownEnd = (end: string): string => (end === "24:00" ? "00:00" : end);
const savedEnd = (end: string): string => (end === "00:00" ? "24:00" : end);

/** Returns the schedule of a plan. Days with the same hours share a window. Parts that the form
 * does not show stay. */
export function scheduleOf(plan: Plan, before: Schedule | null): Schedule & Fields {
  const groups = new Map<string, Window & { days: Day[] }>();
  for (const day of DAYS) {
    for (const { start, end: shown } of plan.week[day]) {
      const end = savedEnd(shown);
      const group = groups.get(start + end) ?? { days: [], start, end };
      if (!group.days.includes(day)) group.days.push(day);
      groups.set(start + end, group);
    }
  }
  const { until: _, ...kept } = before ?? {};
  const [first, last] = others(before).map((windows) => withRules(windows, plan.rules));
  const fresh = plan.rules
    .filter(({ origin }) => origin === undefined)
    .map(({ rrule, start, end }) => ({ rrule, start, end: savedEnd(end) }));
  return {
    ...kept,
    windows: [...(first ?? []), ...groups.values(), ...(last ?? []), ...fresh],
    slot_minutes: plan.slot_minutes,
    capacity: plan.capacity,
    from: plan.from,
    ...(plan.until !== "" && { until: plan.until }),
    horizon_days: plan.horizon_days,
    closed: plan.closed.map(({ from, until, name }) =>
      name
        ? { from, until: until || from, name }
        : until === "" || until === from
          ? from
          : { from, until },
    ),
  };
}

const PLAIN = new Set(["days", "start", "end"]);
const OF_RULE = new Set(["rrule", "start", "end", "from", "until"]);

const isShownRule = (window: Window): boolean =>
  window.rrule !== undefined && Object.keys(window).every((name) => OF_RULE.has(name));

/** Whether a window has only hours and days, the parts that the form shows. */
const isPlain = (window: Window): boolean => Object.keys(window).every((name) => PLAIN.has(name));

/** Returns the windows with the rules as they are in the form, and without those taken out there. */
const withRules = (windows: readonly Window[], rules: readonly RuleHours[]): readonly Window[] =>
  windows.flatMap((window) => {
    if (window.rrule === undefined) return [window];
    const rule = rules.find(({ origin }) => origin === window);
    if (rule === undefined) return [];
    return [{ ...window, rrule: rule.rrule, start: rule.start, end: savedEnd(rule.end) }];
  });

/** Returns the windows beside those of the week, before and after the shown ones. Of two windows
 * with the same times the first one counts. */
function others(schedule: Schedule | null): readonly [readonly Window[], readonly Window[]] {
  const windows = schedule?.windows ?? [];
  const shown = windows.findIndex(isPlain);
  const edge = Math.max(0, shown);
  const kept = (window: Window) => !isPlain(window);
  return [windows.slice(0, edge).filter(kept), windows.slice(edge).filter(kept)];
}

/** Returns why the plan is invalid, or an empty text. */
export function problemOf(plan: Plan): string {
  for (const day of DAYS) {
    const hours = [...plan.week[day]].sort((a, b) => a.start.localeCompare(b.start));
    for (const [place, { start, end }] of hours.entries()) {
      const isWholeDay = start === "00:00" && end === "00:00";
      if (start === end && !isWholeDay) return texts.hours.noLength(dayName(day), start, end);
      const next = hours[place + 1];
      const isOver = end <= start || (next !== undefined && next.start < end);
      if (next !== undefined && isOver) return texts.hours.overlap(dayName(day));
    }
  }
  if (plan.until !== "" && plan.until < plan.from) return texts.hours.lastBeforeFirst;
  const isReversed = plan.closed.some(({ from, until }) => until !== "" && until < from);
  return isReversed ? texts.hours.endsBefore : "";
}

/** Returns the text on parts that the form does not show, or an empty text. */
export function restText(schedule: Schedule | null): string {
  const hidden = others(schedule).flat();
  const special = hidden.filter((window) => !isShownRule(window)).length;
  const extra = schedule?.extra?.length ?? 0;
  const parts = [
    special > 0 && texts.hours.special(special),
    extra > 0 && texts.hours.extra(extra),
    schedule?.step_minutes && texts.hours.step(schedule.step_minutes),
  ].filter(Boolean);
  return parts.length === 0 ? "" : texts.hours.kept(parts.join(", "));
}

export function outcomeText({ opened, removed, updated }: ScheduleAnswer, isDone: boolean): string {
  const { hours } = texts;
  const parts = [
    opened > 0 && (isDone ? hours.opened : hours.opens)(opened),
    removed > 0 && (isDone ? hours.removed : hours.removes)(removed),
    updated > 0 && (isDone ? hours.changed : hours.changes)(updated),
  ].filter((part) => part !== false);
  if (parts.length === 0) return isDone ? hours.savedNothing : hours.wouldNothing;
  return (isDone ? hours.saved : hours.would)(parts.join(", "));
}

/** The warning for overlapping times that can both be booked. */
export const overlapText = (first: string): string => texts.hours.overlapping(first);

export const keptText = (kept: number): string => (kept === 0 ? "" : texts.hours.stays(kept));
