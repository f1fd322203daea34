/** A booking in a few lines, for the menu of a chip that has no room for them. */

import type { StaffBooking } from "../../client";
import { texts } from "../texts";
import { answersOf } from "./booking_answers";

export function bookingLines(booking: StaffBooking): readonly string[] {
  const { customer, seats, status } = booking;
  const state = [texts.agenda[status], seats > 1 && texts.agenda.places(seats)];
  const contact = [customer?.email, customer?.phone];
  return [
    customer?.name ?? texts.agenda.erased,
    state.filter(Boolean).join(" · "),
    contact.filter(Boolean).join(" · "),
    ...answersOf(booking),
    customer?.note ? `“${customer.note}”` : "",
  ].filter((line) => line !== "");
}
