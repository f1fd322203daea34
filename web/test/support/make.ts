/** Makes slots, changes and snapshots to test with. */

import type { Booking, CalendarInfo, Change, Hold, Slot, Snapshot } from "../../src/client";

export const info: CalendarInfo = {
  id: "demo",
  name: "Demo",
  zone: "Europe/Berlin",
  visibility: "public",
  booking: "anyone",
  policy: {
    hold_seconds: 300,
    min_notice: 0,
    max_advance: null,
    cancel_notice: 0,
    buffer_before: 0,
    buffer_after: 0,
    overlap: "allow",
    max_holds: 10,
    max_bookings: null,
    max_bookings_per_day: null,
    confirmation: "none",
    pending_seconds: null,
    place: null,
    phone: "off",
    questions: [],
    verification: "none",
  },
  archived: false,
};

export function slot(id: string, hour: number, more: Partial<Slot> = {}): Slot {
  const two = (value: number) => String(value).padStart(2, "0");
  return {
    id,
    start: `2026-11-24T${two(hour)}:00:00Z`,
    end: `2026-11-24T${two(hour)}:45:00Z`,
    capacity: 1,
    held: 0,
    remaining: 1,
    status: "open",
    bookable: true,
    version: 1,
    ...more,
  };
}

export function snapshot(seq: number, slots: readonly Slot[]): Snapshot {
  return {
    info,
    slots,
    seq,
    cursor: `${seq}.n`,
    from: "2026-11-24T00:00:00Z",
    to: "2026-11-25T00:00:00Z",
    offsets: [{ from: "2026-01-01T00:00:00Z", seconds: 3_600 }],
    server_time: "2026-11-23T12:00:00Z",
  };
}

export function change(seq: number, slots: readonly Slot[], more: Partial<Change> = {}): Change {
  return {
    calendar: "demo",
    seq,
    prev: seq - 1,
    cursor: `${seq}.n`,
    at: "2026-11-23T12:00:00Z",
    type: "slot.booked",
    slots,
    removed: [],
    ...more,
  };
}

export const hold: Hold = {
  id: "h",
  slot: "s",
  seats: 1,
  expires_at: "2026-11-23T12:05:00Z",
  token: "t",
};

export const booking: Booking = {
  id: "b",
  calendar: "demo",
  slot: "s",
  seats: 1,
  status: "confirmed",
  token: "t",
};

/** The server's refusal over HTTP. */
export function refusal(status: number, code: string, retryable = false): Response {
  const headers = { "Content-Type": "application/problem+json" };
  return Response.json({ code, message: "No.", retryable }, { status, headers });
}
