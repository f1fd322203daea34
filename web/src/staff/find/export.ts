/** Writes bookings as CSV (RFC 4180) or JSON. Pure. */

import type { ListedBooking } from "../../client";

const COLUMNS = [
  "calendar",
  "start",
  "end",
  "status",
  "name",
  "email",
  "phone",
  "note",
  "seats",
  "created_at",
  "updated_at",
  "id",
] as const;

export function toCsv(bookings: readonly ListedBooking[]): string {
  const rows = bookings.map((booking) => {
    const row: Readonly<Record<string, unknown>> = { ...booking.customer, ...booking };
    return COLUMNS.map((name) => cell(row[name]));
  });
  return [[...COLUMNS], ...rows].map((row) => `${row.join(",")}\r\n`).join("");
}

export const toJson = (bookings: readonly ListedBooking[]): string =>
  `${JSON.stringify({ bookings }, null, 2)}\n`;

/** A spreadsheet takes a cell that begins so for a formula, and a customer's name may begin so. */
const FORMULA = /^[=+\-@＝＋－＠\t\r]/;
const NUMBER = /^\+?[\d ()/.-]+$/;
/** Excel divides the file at semicolons in many countries, and then at the lines of a quoted cell too. */
const INNER_FORMULA = /([;\t\r\n] *)(?=[=+\-@＝＋－＠])/g;

function cell(value: unknown): string {
  const text = value === undefined || value === null ? "" : String(value);
  const whole = FORMULA.test(text) && !NUMBER.test(text) ? `'${text}` : text;
  const safe = whole.replaceAll(INNER_FORMULA, "$1'");
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
