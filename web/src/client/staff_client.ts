/** The client of staff. It stands apart, so that the pages of visitors load none of it. */

import { Client, type ConnectOptions } from "./client.ts";
import { type BookingSearch, eraseCustomer, findBookings } from "./search.ts";
import { StaffCalendar } from "./staff.ts";
import type { BookingAnswer, BookingsAnswer, ServerAnswer } from "./wire.ts";

export class StaffClient extends Client<StaffCalendar> {
  /** Reads one page of the bookings of all calendars of the token, the latest made first. */
  findBookings(search: BookingSearch = {}): Promise<BookingsAnswer> {
    return findBookings(this.requests, search);
  }

  /** Reads the figures of the server. For owners of all calendars. */
  readServer(): Promise<ServerAnswer> {
    return this.requests.read("server.read", {});
  }

  /** Reads a booking with its customer and the times of its slot. */
  readBooking(booking: string): Promise<BookingAnswer> {
    return this.requests.read("booking.get", { booking });
  }

  /** Erases the customer of every booking with this e-mail address, in all calendars of the token.
   * Resolves with the number of bookings. */
  eraseCustomer(email: string): Promise<number> {
    return eraseCustomer(this.requests, email);
  }
}

/** The token must have the scope `staff`. */
export function connectStaff(url: string | URL, options: ConnectOptions): StaffClient {
  const setting = { ...options, isStaff: true };
  return new StaffClient(url, setting, (...parts) => new StaffCalendar(...parts));
}
