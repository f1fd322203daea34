/** Tells the server's messages from other answers: a login wall, a maintenance page, another
 * service. Only the members that this client relies on are checked,
 * and unknown ones are ignored, so that a newer server passes. */

import { readError, type SlotcastError, unreachable } from "./error.ts";
import type { Answers, Change, Fields, StaffRequestName } from "./wire.ts";

export interface Shape {
  readonly [member: string]: "string" | "number" | "boolean" | Shape | readonly [Shape];
}

const CURSOR = { cursor: "string" } as const;
const SLOT: Shape = {
  id: "string",
  start: "string",
  end: "string",
  capacity: "number",
  remaining: "number",
  status: "string",
  bookable: "boolean",
  version: "number",
};
const INFO: Shape = {
  id: "string",
  name: "string",
  zone: "string",
  policy: { hold_seconds: "number" },
};
const ENDED_HOLD: Shape = { id: "string", slot: "string", seats: "number", expires_at: "string" };
const BOOKING: Shape = {
  id: "string",
  calendar: "string",
  slot: "string",
  seats: "number",
  status: "string",
};
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

const HELD: Shape = { ...CURSOR, hold: { ...ENDED_HOLD, token: "string" } };
const BOOKED: Shape = { ...CURSOR, booking: BOOKING };
const ONE_SLOT: Shape = { ...CURSOR, slot: SLOT };
const ONE_INFO: Shape = { ...CURSOR, info: INFO };

/** Where there is none, the request has no answer of its own, or one that is checked apart. */
const ANSWERS: Readonly<Record<Exclude<keyof Answers, `calendar.${string}bscribe`>, Shape>> &
  Readonly<Record<StaffRequestName, Shape>> = {
  "auth.refresh": {},
  "slot.hold": HELD,
  "hold.extend": HELD,
  "hold.release": { ...CURSOR, hold: ENDED_HOLD },
  "slot.book": { ...CURSOR, booking: { ...BOOKING, token: "string" } },
  "booking.get": { booking: BOOKING },
  "booking.cancel": BOOKED,
  "booking.reschedule": BOOKED,
  "booking.update": BOOKED,
  "calendar.create": ONE_INFO,
  "calendar.update": ONE_INFO,
  "calendar.archive": ONE_INFO,
  "calendar.restore": ONE_INFO,
  "calendar.link": { token: "string", expires_at: "string" },
  "schedule.set": { opened: "number", removed: "number", updated: "number", kept: [SLOT] },
  "slot.open": { ...CURSOR, slots: [SLOT] },
  "slot.update": ONE_SLOT,
  "slot.close": ONE_SLOT,
  "slot.reopen": ONE_SLOT,
  "slot.remove": ONE_SLOT,
  "booking.list": { bookings: [BOOKING] },
  "booking.confirm": BOOKED,
  "booking.reject": BOOKED,
  "booking.no_show": BOOKED,
  "booking.reinstate": BOOKED,
  "booking.erase": BOOKED,
};

export const shapeOf = (name: string): Shape => (ANSWERS as Record<string, Shape>)[name] ?? {};

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

/** Whether an answer is about the booking or hold that the request names, and a cancelled one is. */
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

/** A subscription's answer: a snapshot, or what was missed. */
export const isSubscribed = (value: unknown): boolean =>
  fits(value, { mode: "string" }) &&
  fits(value, value.mode === "snapshot" ? SNAPSHOT : { ...POLL, info: INFO });

/** The server's refusal; from anyone else, the server was not reached. */
export const readRefusal = (value: unknown, retry_after_ms = 0): SlotcastError =>
  isRefusal(value) ? readError(value, retry_after_ms) : unreachable(retry_after_ms);

/** An acknowledgement that is the answer to this request; throws a SlotcastError for any other. */
export function readAck(ack: unknown, isAnswer: (value: unknown) => boolean): Fields {
  if (fits(ack, { ok: "boolean" })) {
    if (ack.ok === false) throw readRefusal(ack.error);
    if (isAnswer(ack)) return ack;
  }
  throw unreachable();
}
