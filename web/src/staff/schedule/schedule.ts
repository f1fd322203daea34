/** Opening hours in two forms: week by week for staff, and the server's schedule. Pure. */

import type { Fields, Schedule, ScheduleAnswer, Window } from "../../client";

export type { Schedule } from "../../client";

export const DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"] as const;
export type Day = (typeof DAYS)[number];

export const DAY_NAMES: Readonly<Record<Day, string>> = {
  mon: "Monday",
  tue: "Tuesday",
  wed: "Wednesday",
  thu: "Thursday",
  fri: "Friday",
  sat: "Saturday",
  sun: "Sunday",
};

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

/** The values of the form. `until` is empty without a last day. */
export interface Plan {
  readonly week: Readonly<Record<Day, readonly Hours[]>>;
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
    // A clock field has no 24:00; midnight as an end means the same.
    const shown = windows.map(({ start, end }) => ({
      start,
      end: end === "24:00" ? "00:00" : end,
    }));
    return shown.sort((a, b) => a.start.localeCompare(b.start));
  };
  return {
    week: Object.fromEntries(DAYS.map((day) => [day, of(day)])) as Plan["week"],
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

/** Returns the schedule of a plan. Days with the same hours share a window. Parts that the form
 * does not show stay. */
export function scheduleOf(plan: Plan, before: Schedule | null): Schedule & Fields {
  const groups = new Map<string, Window & { days: Day[] }>();
  for (const day of DAYS) {
    for (const { start, end: shown } of plan.week[day]) {
      const end = shown === "00:00" ? "24:00" : shown;
      const group = groups.get(start + end) ?? { days: [], start, end };
      if (!group.days.includes(day)) group.days.push(day);
      groups.set(start + end, group);
    }
  }
  const { until: _, ...kept } = before ?? {};
  const [first, last] = others(before);
  return {
    ...kept,
    windows: [...first, ...groups.values(), ...last],
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

/** Whether a window has only hours and days, the parts that the form shows. */
const isPlain = (window: Window): boolean => Object.keys(window).every((name) => PLAIN.has(name));

/** Returns the windows that the form does not show, before and after the shown ones. Of two windows
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
      if (start === end && !isWholeDay)
        return `${DAY_NAMES[day]}: ${start} to ${end} has no length.`;
      const next = hours[place + 1];
      const isOver = end <= start || (next !== undefined && next.start < end);
      if (next !== undefined && isOver) return `${DAY_NAMES[day]}: the hours overlap.`;
    }
  }
  if (plan.until !== "" && plan.until < plan.from) return "The last day is before the first.";
  const isReversed = plan.closed.some(({ from, until }) => until !== "" && until < from);
  return isReversed ? "A closed time ends before it begins." : "";
}

/** Returns the text on parts that the form does not show, or an empty text. */
export function restText(schedule: Schedule | null): string {
  const hidden = others(schedule).flat();
  const rules = hidden.filter(({ rrule }) => rrule !== undefined).length;
  const special = hidden.length - rules;
  const extra = schedule?.extra?.length ?? 0;
  const parts = [
    rules > 0 && count(rules, "window by a rule", "windows by a rule"),
    special > 0 &&
      count(special, "window with settings of its own", "windows with settings of their own"),
    extra > 0 && count(extra, "extra opening", "extra openings"),
    schedule?.step_minutes && `a start every ${schedule.step_minutes} minutes`,
  ].filter(Boolean);
  return parts.length === 0 ? "" : `Kept as it is: ${parts.join(", ")}.`;
}

export function outcomeText({ opened, removed, updated }: ScheduleAnswer, isDone: boolean): string {
  const parts = [
    opened > 0 && `${isDone ? "opened" : "opens"} ${count(opened, "time", "times")}`,
    removed > 0 && `${isDone ? "removed" : "removes"} ${count(removed, "time", "times")}`,
    updated > 0 && `${isDone ? "changed" : "changes"} ${count(updated, "time", "times")}`,
  ].filter((part) => part !== false);
  if (parts.length === 0) return isDone ? "Saved; no time changed." : "No time would change.";
  const text = parts.join(", ");
  return isDone ? `Saved: ${text}.` : `This ${text}.`;
}

/** The warning for overlapping times that can both be booked. */
export const overlapText = (first: string): string =>
  `Some times overlap, the first on ${first}: both can be booked at once.`;

export function keptText(kept: number): string {
  if (kept === 0) return "";
  const who = kept === 1 ? "One time does" : `${kept} times do`;
  const stay = kept === 1 ? "It stays" : "They stay";
  return `${who} not fit, but somebody has booked or holds a place there. ${stay} until that ends:`;
}

const count = (number: number, one: string, many: string): string =>
  `${number} ${number === 1 ? one : many}`;
