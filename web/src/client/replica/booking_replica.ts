/** The copy of the bookings for staff, upserted by version. An older version never overwrites. */

import type { StaffBooking } from "../wire.ts";

export class BookingReplica {
  readonly #bookings = new Map<string, StaffBooking>();

  applySnapshot(bookings: readonly StaffBooking[]): void {
    this.#bookings.clear();
    this.apply(bookings);
  }

  apply(bookings: readonly StaffBooking[]): void {
    for (const booking of bookings) {
      const known = this.#bookings.get(booking.id);
      if (known === undefined || known.version <= booking.version) {
        this.#bookings.set(booking.id, booking);
      }
    }
  }

  drop(gone: readonly string[]): void {
    for (const id of gone) {
      this.#bookings.delete(id);
    }
  }

  get all(): readonly StaffBooking[] {
    return [...this.#bookings.values()];
  }
}
