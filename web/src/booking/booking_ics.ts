/** One booking as an iCalendar file (RFC 5545), for the customer's own calendar. Pure.
 *
 * The page makes the file from its own data. The booking's token does not cross the network and is
 * not in the file: calendar programs send files to their servers. */

import type { BookingStatus } from "../client";

export interface IcsBooking {
  readonly id: string;
  readonly status: BookingStatus;
  readonly seats: number;
  readonly start: string;
  readonly end: string;
}

export interface IcsSetting {
  /** The calendar's name. */
  readonly name: string;
  /** The calendar's page, without any proof. */
  readonly page: string;
  readonly now: number;
}

const SHOWN: Readonly<Record<BookingStatus, readonly [state: string, before: string]>> = {
  pending: ["TENTATIVE", "To be confirmed: "],
  confirmed: ["CONFIRMED", ""],
  no_show: ["CONFIRMED", ""],
  cancelled: ["CANCELLED", "Cancelled: "],
  rejected: ["CANCELLED", "Declined: "],
};
const PENDING = "This is a request: the time is kept until it is confirmed or declined.";
/** A later file of a booking needs a higher SEQUENCE, an integer of 31 bits. */
const SEQUENCE_EPOCH_S = 1_750_000_000;

export function writeBooking(booking: IcsBooking, { name, page, now }: IcsSetting): string {
  const [state, before] = SHOWN[booking.status];
  const places = booking.seats > 1 ? `${booking.seats} places.` : "";
  const description = [booking.status === "pending" ? PENDING : "", places].filter(Boolean);
  const lines = [
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//Slotcast//Slotcast//EN",
    "CALSCALE:GREGORIAN",
    "BEGIN:VEVENT",
    `UID:${booking.id}`,
    `DTSTAMP:${time(now)}`,
    `SEQUENCE:${Math.max(0, Math.floor(now / 1_000) - SEQUENCE_EPOCH_S)}`,
    `DTSTART:${time(Date.parse(booking.start))}`,
    `DTEND:${time(Date.parse(booking.end))}`,
    `SUMMARY:${escaped(before + name)}`,
    ...(description.length > 0 ? [`DESCRIPTION:${escaped(description.join("\n"))}`] : []),
    `URL:${page}`,
    `STATUS:${state}`,
    "TRANSP:OPAQUE",
    "END:VEVENT",
    "END:VCALENDAR",
  ];
  return `${lines.map(folded).join("\r\n")}\r\n`;
}

/** `20270305T090000Z` */
function time(instant: number): string {
  return `${new Date(instant).toISOString().slice(0, 19).replace(/[-:]/g, "")}Z`;
}

/** Section 3.3.11: a text has no control characters, and its lines end in `\n`. */
function escaped(text: string): string {
  return (
    text
      // biome-ignore lint/suspicious/noControlCharactersInRegex: RFC 5545 forbids them in a text.
      .replace(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u2028\u2029]+/g, " ")
      .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd")
      .replace(/[\\;,]/g, (character) => `\\${character}`)
      .replace(/\n/g, "\\n")
  );
}

const MOST_OCTETS = 75;

/** Section 3.1: a line has at most 75 octets, and no character is cut in two. */
function folded(line: string): string {
  const encoder = new TextEncoder();
  let [whole, octets] = ["", 0];
  for (const character of line) {
    const length = encoder.encode(character).length;
    if (octets + length > MOST_OCTETS) {
      whole += "\r\n ";
      octets = 1;
    }
    whole += character;
    octets += length;
  }
  return whole;
}
