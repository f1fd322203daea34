/** The edges of the opening hours of a date, and a schedule with an edge moved. Pure. */

import { stepDay } from "../day/day_range";
import { type Day, DAYS, type Hours, planOf, type Schedule, scheduleOf } from "./schedule";

export const WHOLE_DAY = 1_440;
/** Hours are no shorter than this. */
const LEAST_MINUTES = 15;

/** The begin or the end of hours. They recur on each such weekday; the date is that of the edge itself, and is the
 * day after for an end past midnight. */
export interface HoursEdge {
  readonly date: string;
  /** The weekday on which the hours begin. */
  readonly weekday: Day;
  /** The place of the hours in the day, by start. */
  readonly place: number;
  readonly side: "start" | "end";
  /** Minutes from midnight: now, and the bounds by the other edges of the day. */
  readonly at: number;
  readonly least: number;
  readonly most: number;
}

/** Returns the edges of a date, by time. Those of a rule have none. */
export function edgesOf(schedule: Schedule | null, date: string): readonly HoursEdge[] {
  if (schedule === null) return [];
  return [...endsAfterMidnight(schedule, date), ...edgesOnDay(schedule, date)];
}

function edgesOnDay(schedule: Schedule, date: string): readonly HoursEdge[] {
  const hours = hoursOf(schedule, date);
  return hours.flatMap(({ from, to }, place) => {
    const before = hours[place - 1]?.to ?? 0;
    const after = hours[place + 1]?.from ?? WHOLE_DAY;
    const one = { date, weekday: weekdayOf(date), place };
    const isOver = to <= from;
    const last = (isOver ? WHOLE_DAY : to) - LEAST_MINUTES;
    const start = { ...one, side: "start", at: from, least: Math.min(from, before) } as const;
    const edges: HoursEdge[] = [{ ...start, most: Math.max(from, last) }];
    if (!isOver)
      edges.push({
        ...{ ...one, side: "end", at: to },
        ...{ least: from + LEAST_MINUTES, most: Math.max(to, after) },
      });
    return edges;
  });
}

/** Returns the ends of the hours of the day before that go on after midnight. Dragged to midnight, they end there. */
function endsAfterMidnight(schedule: Schedule, date: string): readonly HoursEdge[] {
  const eve = stepDay(date, -1);
  const next = hoursOf(schedule, date)[0]?.from ?? WHOLE_DAY;
  return hoursOf(schedule, eve).flatMap(({ from, to }, place) =>
    to > from
      ? []
      : [
          {
            ...{ date, weekday: weekdayOf(eve), place, side: "end", at: to, least: 0 },
            most: Math.max(to, Math.min(from, next)),
          } as const,
        ],
  );
}

const hoursOf = (schedule: Schedule, date: string) =>
  isWithin(schedule, date) ? planOf(schedule, date).week[weekdayOf(date)].map(minutesOf) : [];

/** Returns the schedule with the edge at other minutes. Without the edge, as it was, there is none. */
export function withEdgeAt(schedule: Schedule | null, edge: HoursEdge, minutes: number) {
  const isThere = edgesOf(schedule, edge.date).some(
    ({ weekday, place, side, at }) =>
      weekday === edge.weekday && place === edge.place && side === edge.side && at === edge.at,
  );
  if (schedule === null || !isThere) return undefined;
  const plan = planOf(schedule, edge.date);
  const clock = clockAt(minutes);
  const hours: readonly Hours[] = plan.week[edge.weekday].map((one, place) =>
    place === edge.place ? { ...one, [edge.side]: clock } : one,
  );
  return scheduleOf({ ...plan, week: { ...plan.week, [edge.weekday]: hours } }, schedule);
}

/** Whether the edge is on the day after the one on which its hours begin. */
export const isNextDay = (edge: HoursEdge): boolean => weekdayOf(edge.date) !== edge.weekday;

/** The time of a clock field: midnight as an end is `00:00`. */
export const clockAt = (minutes: number): string => {
  const two = (value: number) => String(value).padStart(2, "0");
  return `${two(Math.floor(minutes / 60) % 24)}:${two(minutes % 60)}`;
};

function isWithin(schedule: Schedule, date: string): boolean {
  if (date < schedule.from || (schedule.until && date > schedule.until)) return false;
  return !(schedule.closed ?? []).some((item) =>
    typeof item === "string" ? item === date : item.from <= date && date <= item.until,
  );
}

function weekdayOf(date: string): Day {
  const sunday_first = new Date(`${date}T12:00:00Z`).getUTCDay();
  return DAYS[(sunday_first + 6) % 7] as Day;
}

/** An end of `00:00` is midnight. Other ends at or before the start are on the next day. */
function minutesOf({ start, end }: Hours): { readonly from: number; readonly to: number } {
  const [from, to] = [start, end].map((clock) => {
    const [hours = 0, minutes = 0] = clock.split(":").map(Number);
    return 60 * hours + minutes;
  });
  return { from: from ?? 0, to: to || WHOLE_DAY };
}
