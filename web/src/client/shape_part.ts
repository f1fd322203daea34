/** The members that this client needs of slots, calendars, holds and bookings. */

export interface Shape {
  readonly [member: string]: "string" | "number" | "boolean" | Shape | readonly [Shape];
}

export const CURSOR = { cursor: "string" } as const;
export const SLOT: Shape = {
  id: "string",
  start: "string",
  end: "string",
  capacity: "number",
  remaining: "number",
  status: "string",
  bookable: "boolean",
  version: "number",
};
export const INFO: Shape = {
  id: "string",
  name: "string",
  zone: "string",
  policy: { hold_seconds: "number" },
};
export const ENDED_HOLD: Shape = {
  id: "string",
  slot: "string",
  seats: "number",
  expires_at: "string",
};
export const BOOKING: Shape = {
  id: "string",
  calendar: "string",
  slot: "string",
  seats: "number",
  status: "string",
};
export const BOOKED: Shape = { ...CURSOR, booking: BOOKING };
