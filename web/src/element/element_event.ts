/** The events that the element tells its page. None of them has a token: whoever has the token of a
 * booking can cancel it. */

import { SlotcastError, type Status } from "../client";
import type { Settled } from "../booking/own/booking_actions";

export interface ElementEvent {
  readonly name: string;
  readonly detail: object;
}

const NAMES = {
  hold: "hold",
  extend: "hold",
  release: "released",
  book: "booked",
  cancel: "cancelled",
  move: "moved",
} as const;

export function eventOf(calendar: string, { pending, outcome, error }: Settled): ElementEvent {
  const { start, end } = pending;
  if (error !== undefined) return errorEvent(calendar, error);
  const hold = outcome?.hold && { ...withoutToken(outcome.hold), start, end };
  const made = outcome?.booking && { ...withoutToken(outcome.booking), start, end };
  const booking = made ?? (pending.booking && { ...withoutToken(pending.booking), start, end });
  return {
    name: NAMES[pending.what],
    detail: { calendar, ...(hold && { hold }), ...(booking && { booking }) },
  };
}

export function errorEvent(calendar: string, error: unknown): ElementEvent {
  const { code, message } =
    error instanceof SlotcastError ? error : { code: "internal", message: String(error) };
  return { name: "error", detail: { calendar, code, message } };
}

export const stateEvent = (calendar: string, status: Status): ElementEvent => ({
  name: "state",
  detail: { calendar, ...status },
});

function withoutToken<Owned extends object>(owned: Owned): Omit<Owned, "token"> {
  const { token: _, ...rest } = owned as Owned & { readonly token?: string };
  return rest as Omit<Owned, "token">;
}
