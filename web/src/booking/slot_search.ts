/** Finds the times of a slot outside the shown window. Pure: the look-up is an argument. */

import type { Slot } from "../client";

export type Times = Pick<Slot, "start" | "end">;
type Look = (
  from: string,
  to: string,
) => Promise<{ readonly slots: readonly Slot[]; readonly to: string }>;

const DAY_MS = 86_400_000;
/** The search ends two years on. A snapshot has at most 2,000 slots, so a full calendar takes a few
 * reads. */
const FAR_MS = 731 * DAY_MS;
const MOST_LOOKS = 12;
const PAST_MS = 62 * DAY_MS;

export async function findTimes(look: Look, id: string, from: string): Promise<Times | undefined> {
  const begin = Date.parse(from);
  return (
    (await findBetween(look, id, begin, begin + FAR_MS)) ??
    (await findBetween(look, id, begin - PAST_MS, begin))
  );
}

async function findBetween(look: Look, id: string, begin: number, end: number) {
  let at = begin;
  for (let count = 0; at < end && count < MOST_LOOKS; count += 1) {
    const { slots, to } = await look(new Date(at).toISOString(), new Date(end).toISOString());
    const found = slots.find((slot) => slot.id === id);
    if (found !== undefined) return found;
    const reached = Date.parse(to);
    if (!(reached > at)) return undefined;
    at = reached;
  }
  return undefined;
}
