/** Applies a calendar's policy to a visitor, with the same result as the server. Pure.
 * tests/vectors/policy.json holds both sides to the same boundaries. */

import type { Policy, Slot } from "../client";

/** Whether the holder of a booking may still cancel or move it. The server decides on unknown
 * times. */
export function canLeave(start: number, policy: Policy | undefined, now: number): boolean {
  if (Number.isNaN(start)) return true;
  const ahead_ms = start - now;
  return ahead_ms > 0 && ahead_ms >= (policy?.cancel_notice ?? 0) * 1_000;
}

/** Returns why the clock refuses a bookable slot, or an empty text. */
export function clockRefusal(slot: Slot, policy: Policy | undefined, now: number): string {
  const start = Date.parse(slot.start);
  if (start <= now) return "Started";
  if (policy === undefined) return "";
  if (start < now + policy.min_notice * 1_000) return "Too soon";
  const { max_advance } = policy;
  // 0 is a limit too. Only null is none.
  return max_advance !== null && start > now + max_advance * 1_000 ? "Not yet" : "";
}

/** Whether the slot can be taken now, by the rule of the server and the clock of the page. */
export function isTakeable(
  slot: Slot,
  policy: Policy | undefined,
  isArchived: boolean,
  now: number,
): boolean {
  return slot.bookable && !isArchived && clockRefusal(slot, policy, now) === "";
}

/** `5 minutes`, `30 seconds`, `1 minute 30 seconds`: the exact length of a hold. */
export function holdText(hold_seconds: number): string {
  const parts = [many(Math.floor(hold_seconds / 60), "minute"), many(hold_seconds % 60, "second")];
  return parts.filter(Boolean).join(" ");
}

const many = (count: number, unit: string): string =>
  count === 0 ? "" : `${count} ${unit}${count === 1 ? "" : "s"}`;
