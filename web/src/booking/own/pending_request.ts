/** Sends a pending request, for the first time or again. Its key makes it done once.
 *
 * A recent request is still wanted and is sent again. For an old one the page only finds out
 * whether it was done. */

import { type Booking, type Calendar, type Hold, newKey, SlotcastError } from "../../client";
import type { PendingRequest } from "./own_store";

export interface Outcome {
  /** A new or extended hold. */
  readonly hold?: Hold;
  /** A booking that is new, cancelled or moved. */
  readonly booking?: Booking;
}

/** A request stays wanted for this long. */
const WANTED_MS = 600_000;
/** The longest that a hold can last. */
const HOLD_MS = 3_600_000;

/** Rejects with a SlotcastError. An error with a `key` leaves the outcome open. */
export async function sendPending(
  calendar: Calendar,
  pending: PendingRequest,
  now: number,
): Promise<Outcome> {
  const age_ms = now - pending.at;
  const isWanted = !pending.isUnwanted && age_ms < WANTED_MS;
  const { hold, booking, key, slot } = pending;
  if (pending.what === "hold")
    return age_ms < HOLD_MS ? sendHold(calendar, pending, isWanted, now) : {};
  if (pending.what === "extend" && hold) return { hold: await calendar.extend(hold, { key }) };
  if (pending.what === "release") {
    await release(calendar, pending, key);
    return {};
  }
  if (pending.what === "book") return sendBooking(calendar, pending, isWanted);
  // The page has this booking, and reads its state.
  if (booking === undefined || !isWanted) return {};
  if (pending.what === "cancel") return { booking: await calendar.cancel(booking, { key }) };
  return { booking: await calendar.reschedule(booking, slot, hold, { key }) };
}

async function sendHold(
  calendar: Calendar,
  pending: PendingRequest,
  isWanted: boolean,
  now: number,
): Promise<Outcome> {
  const { slot, seats, key } = pending;
  const hold = await calendar.hold(slot, { key, ...(seats > 1 && { seats }) });
  // The answer is old: the hold has expired.
  if (Date.parse(hold.expires_at) <= now) return {};
  if (isWanted) return { hold };
  await release(calendar, { ...pending, hold: { ...hold, start: "", end: "" } }, newKey());
  return {};
}

async function release(calendar: Calendar, { hold }: PendingRequest, key: string): Promise<void> {
  if (hold === undefined) return;
  try {
    await calendar.release(hold, { key });
  } catch (error) {
    // It has expired or was released before, as the visitor wanted.
    if (!isGone(error)) throw error;
  }
}

async function sendBooking(
  calendar: Calendar,
  pending: PendingRequest,
  isWanted: boolean,
): Promise<Outcome> {
  const { slot, hold, request } = pending;
  if (hold === undefined || request === undefined) return {};
  const exactly = { hold, if_still_free: true, ...request };
  if (!isWanted) {
    // The server refuses another command under a used key as such, and one under a fresh key for
    // its expired hold.
    const { if_still_free: _, ...other } = exactly;
    try {
      return { booking: await calendar.book(slot, other) };
    } catch (error) {
      const isDone = error instanceof SlotcastError && error.code === "idempotency_mismatch";
      if (!isDone) throw error;
    }
  }
  return { booking: await calendar.book(slot, exactly) };
}

const isGone = (error: unknown): boolean =>
  error instanceof SlotcastError &&
  ["not_found", "hold_expired", "invalid_transition"].includes(error.code);
