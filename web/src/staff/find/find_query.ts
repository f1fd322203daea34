/** The filters of the search for bookings, as they stand in the address. Pure. */

import type { BookingSearch, BookingStatus } from "../../client";
import { isDay, rangeOf } from "../day/day_range";

export interface FindQuery {
  readonly q: string;
  readonly status: string;
  /** The first and the last day. */
  readonly from: string;
  readonly to: string;
  /** All calendars of the token instead of the shown one. */
  readonly isEverywhere: boolean;
}

export const STATUSES: readonly BookingStatus[] = [
  "pending",
  "confirmed",
  "cancelled",
  "rejected",
  "no_show",
];

export function readFind(query: string): FindQuery {
  const given = new URLSearchParams(query);
  const day = (name: string) => {
    const text = given.get(name);
    return isDay(text) ? text : "";
  };
  const status = given.get("status") ?? "";
  return {
    q: (given.get("q") ?? "").slice(0, 200),
    status: STATUSES.includes(status as BookingStatus) ? status : "",
    from: day("from"),
    to: day("to"),
    isEverywhere: given.get("in") === "all",
  };
}

export const queryOf = ({ q, status, from, to, isEverywhere }: FindQuery) => ({
  ...{ q, status, from, to },
  in: isEverywhere ? "all" : "",
});

/** Returns the request of these filters. Days are those of the calendar's zone. */
export function searchOf(find: FindQuery, calendar: string, zone: string): BookingSearch {
  const { q, status, from, to, isEverywhere } = find;
  return {
    ...(!isEverywhere && { calendar }),
    ...(q.trim() && { q: q.trim() }),
    ...(status && { status: status as BookingStatus }),
    ...(from && { from: rangeOf({ day: from }, zone, 0).from }),
    ...(to && { to: rangeOf({ day: to }, zone, 0).to }),
  };
}
