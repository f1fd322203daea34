/** Applies a calendar's policy to a visitor, with the same result as the server. Pure.
 * tests/vectors/policy.json holds both sides to the same boundaries. */

import type { Policy, Slot } from "../client";
import type { Catalog } from "../language/english";

/** Whether the holder of a booking may still cancel or move it. The server decides on unknown
 * times. */
export function canLeave(start: number, policy: Policy | undefined, now: number): boolean {
  if (Number.isNaN(start)) return true;
  const ahead_ms = start - now;
  return ahead_ms > 0 && ahead_ms >= (policy?.cancel_notice ?? 0) * 1_000;
}

/** Returns why the clock refuses a bookable slot, as a key of the slot's texts. */
export function clockRefusal(
  slot: Slot,
  policy: Policy | undefined,
  now: number,
): "started" | "tooSoon" | "notYet" | undefined {
  const start = Date.parse(slot.start);
  if (start <= now) return "started";
  if (policy === undefined) return undefined;
  if (start < now + policy.min_notice * 1_000) return "tooSoon";
  const { max_advance } = policy;
  // 0 is a limit too. Only null is none.
  return max_advance !== null && start > now + max_advance * 1_000 ? "notYet" : undefined;
}

/** Whether the slot can be taken now, by the rule of the server and the clock of the page. */
export function isTakeable(
  slot: Slot,
  policy: Policy | undefined,
  isArchived: boolean,
  now: number,
): boolean {
  return slot.bookable && !isArchived && clockRefusal(slot, policy, now) === undefined;
}

/** `5 minutes`, `30 seconds`, `1 minute 30 seconds`: the exact length of a hold. */
export const holdText = (hold_seconds: number, { time }: Catalog): string =>
  time.holdLength(Math.floor(hold_seconds / 60), hold_seconds % 60);
