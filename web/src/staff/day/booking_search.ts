/** Finds the day of the next or last booking beyond the shown window. Pure: the requests are
 * arguments. */

import type { Slot, StaffBooking } from "../../client";

export interface Asked {
  /** The bookings of a window, by their slots' start. `to` is the end of the answer. */
  list(
    from: string,
    to: string,
  ): Promise<{ readonly bookings: readonly StaffBooking[]; readonly to: string }>;
  /** The slots of a window. `to` is the end of the answer. */
  look(from: string, to: string): Promise<{ readonly slots: readonly Slot[]; readonly to: string }>;
}

const DAY_MS = 86_400_000;
/** Windows double from this size on, so that a near booking costs little. */
const FIRST_MS = 31 * DAY_MS;
const FAR_MS = 3_650 * DAY_MS;

/** Returns the start of the first wanted booking from `edge` on, or of the last one before it. */
export async function findBooking(
  asked: Asked,
  edge: number,
  direction: 1 | -1,
  isWanted: (booking: StaffBooking) => boolean,
): Promise<number | undefined> {
  let reached = 0;
  for (let span = FIRST_MS; reached < FAR_MS; span *= 2) {
    const until = Math.min(reached + span, FAR_MS);
    const [begin, end] =
      direction === 1 ? [edge + reached, edge + until] : [edge - until, edge - reached];
    const starts = await startsBetween(asked, begin, end, direction === 1, isWanted);
    const own = starts.filter((start) => start >= begin && start < end);
    if (own.length > 0) return direction === 1 ? Math.min(...own) : Math.max(...own);
    reached = until;
  }
  return undefined;
}

/** Returns the starts of a window's wanted bookings. With `isFirst` it stops at the first page with
 * one. */
async function startsBetween(
  asked: Asked,
  begin: number,
  end: number,
  isFirst: boolean,
  isWanted: (booking: StaffBooking) => boolean,
): Promise<readonly number[]> {
  let starts: readonly number[] = [];
  for (let at = begin; at < end;) {
    const { bookings, to } = await asked.list(text(at), text(end));
    const reached = Date.parse(to);
    const wanted = bookings.filter(isWanted);
    const slots = new Set(wanted.filter(({ start }) => !start).map((booking) => booking.slot));
    const removed = wanted.flatMap(({ start }) => (start ? [Date.parse(start)] : []));
    const found = slots.size > 0 ? await startsOf(asked, slots, at, reached) : [];
    if (found.length + removed.length > 0) starts = [...found, ...removed];
    const isFound = isFirst && starts.some((start) => start >= begin);
    if (isFound || !(reached > at)) return starts;
    at = reached;
  }
  return starts;
}

async function startsOf(asked: Asked, wanted: ReadonlySet<string>, begin: number, end: number) {
  const starts: number[] = [];
  for (let at = begin; at < end;) {
    const { slots, to } = await asked.look(text(at), text(end));
    for (const slot of slots) if (wanted.has(slot.id)) starts.push(Date.parse(slot.start));
    const reached = Date.parse(to);
    if (!(reached > at)) break;
    at = reached;
  }
  return starts;
}

const text = (instant: number): string => new Date(instant).toISOString();
