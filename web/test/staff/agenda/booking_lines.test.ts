import { expect, it } from "vitest";
import type { StaffBooking } from "../../../src/client/index.ts";
import { bookingLines } from "../../../src/staff/agenda/booking_lines.ts";

const booking = (more: Partial<StaffBooking>) =>
  ({ id: "b", seats: 1, status: "confirmed", data: null, customer: null, ...more }) as StaffBooking;

it("has the name, the state, the contact and the note of a booking, and no empty line", () => {
  const customer = { name: "Ada", phone: "+43 1", email: "a@b.example", note: "Late" };
  expect(bookingLines(booking({ customer, seats: 2 }))).toEqual([
    "Ada",
    "Confirmed · 2 places",
    "a@b.example · +43 1",
    "“Late”",
  ]);
  expect(bookingLines(booking({ status: "pending" }))).toHaveLength(2);
});
