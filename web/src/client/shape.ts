/** Distinguishes the server's messages from other answers: a login wall, a maintenance page,
 * another service. It checks only the members that this client needs, and ignores unknown ones, so
 * that a newer server passes. */

import { readError, type SlotcastError, unreachable } from "./error.ts";
import { BOOKED, BOOKING, CURSOR, ENDED_HOLD, INFO, type Shape, SLOT } from "./shape_part.ts";
import { staffShapeOf } from "./staff_shape.ts";
import { ANSWER_TYPES, type Change, type Fields } from "./wire.ts";

const LOG: Shape = { ...CURSOR, seq: "number", server_time: "string" };
const CHANGE: Shape = {
  ...CURSOR,
  calendar: "string",
  seq: "number",
  prev: "number",
  slots: [SLOT],
  removed: [],
} as unknown as Shape;

export const SNAPSHOT: Shape = { ...LOG, info: INFO, slots: [SLOT], from: "string", to: "string" };
export const POLL: Shape = { ...LOG, changes: [CHANGE] };
export const CALENDARS: Shape = { calendars: [INFO] };
export const SLOTS: Shape = { slots: [SLOT], from: "string", to: "string" };
export const HEALTH: Shape = { status: "string" };

export const FOUND_SLOTS: Shape = {
  slots: [{ ...SLOT, calendar: "string" }],
  server_time: "string",
};

export const EXPLANATION: Shape = {
  bookable: "boolean",
  rules: [{ rule: "string", ok: "boolean" }],
};

/** The members to check in the answers of each type. */
const SHAPES: Readonly<Record<(typeof ANSWER_TYPES)[keyof typeof ANSWER_TYPES], Shape>> = {
  Nothing: {},
  HoldAnswer: { ...CURSOR, hold: { ...ENDED_HOLD, token: "string" } },
  EndedHoldAnswer: { ...CURSOR, hold: ENDED_HOLD },
  OwnBookingAnswer: { ...CURSOR, booking: { ...BOOKING, token: "string" } },
  BookingAnswer: { booking: BOOKING },
  BookingOutcomeAnswer: BOOKED,
  RescheduledAnswer: BOOKED,
  SentCodeAnswer: { ...BOOKED, sent: "boolean", mails_left: "number", wait_seconds: "number" },
  VerifiedAnswer: { ...BOOKED, verified: "boolean", tries_left: "number" },
  FoundSlotsAnswer: FOUND_SLOTS,
};

/** A subscription's answer is checked apart, by `isSubscribed`. */
export const shapeOf = (name: string): Shape =>
  name in ANSWER_TYPES
    ? SHAPES[ANSWER_TYPES[name as keyof typeof ANSWER_TYPES]]
    : staffShapeOf(name);

export function fits(value: unknown, shape: Shape): value is Fields {
  if (typeof value !== "object" || value === null) return false;
  return Object.entries(shape).every(([name, kind]) => {
    const member = (value as Fields)[name];
    if (typeof kind === "string") return typeof member === kind;
    if (!Array.isArray(kind)) return fits(member, kind as Shape);
    const [shapeOfEach] = kind as readonly [Shape?];
    return (
      Array.isArray(member) &&
      (shapeOfEach === undefined || member.every((one) => fits(one, shapeOfEach)))
    );
  });
}

/** Whether an answer is about the request's booking or hold, and a cancelled booking is cancelled.
 */
export function isAbout(name: string, fields: Fields, answer: Fields): boolean {
  const { booking } = answer;
  if (name === "booking.cancel" && fits(booking, {}) && booking.status !== "cancelled")
    return false;
  return ["booking", "hold"].every((kind) => {
    const asked = fields[kind];
    const said = answer[kind];
    return typeof asked !== "string" || !fits(said, { id: "string" }) || said.id === asked;
  });
}

export const isChange = (value: unknown): value is Change => fits(value, CHANGE);

export const isRefusal = (value: unknown): value is Fields =>
  fits(value, { code: "string", message: "string", retryable: "boolean" });

/** A subscription's answer: a snapshot, or the missed changes. */
export const isSubscribed = (value: unknown): boolean =>
  fits(value, { mode: "string" }) &&
  fits(value, value.mode === "snapshot" ? SNAPSHOT : { ...POLL, info: INFO });

/** Returns the server's refusal. Any other answer means that the server was not reached. */
export const readRefusal = (value: unknown, retry_after_ms = 0): SlotcastError =>
  isRefusal(value) ? readError(value, retry_after_ms) : unreachable(retry_after_ms);

/** Returns the acknowledgement of this request; throws a SlotcastError for any other. */
export function readAck(ack: unknown, isAnswer: (value: unknown) => boolean): Fields {
  if (fits(ack, { ok: "boolean" })) {
    if (ack.ok === false) throw readRefusal(ack.error);
    if (isAnswer(ack)) return ack;
  }
  throw unreachable();
}
