/** The booking that the address names: its day is shown, and it is scrolled to once. */

import { dayKey } from "../ui/time";
import { readQuery, writeQuery } from "../ui/query";
import type { DaysPane } from "./days_pane";
import type { StaffContext } from "./staff_context";
import { texts } from "./texts";

export class BookingTarget {
  readonly #context: StaffContext;
  readonly #pane: DaysPane;
  readonly #choose: (calendar: string) => void;
  #sought = "";

  constructor(context: StaffContext, pane: DaysPane, choose: (calendar: string) => void) {
    this.#context = context;
    this.#pane = pane;
    this.#choose = choose;
  }

  /** Shows the booking of the address. One of another day is asked for first. */
  reveal(): void {
    const booking = readQuery("booking");
    if (booking === "") {
      this.#sought = "";
      return;
    }
    if (this.#pane.reveal(booking)) {
      writeQuery({ booking: "" });
      this.#sought = "";
    } else if (this.#sought !== booking) {
      this.#sought = booking;
      void this.#seek(booking);
    }
  }

  async #seek(id: string): Promise<void> {
    try {
      const { booking } = await this.#context.client.readBooking(id);
      if (booking.calendar !== this.#context.calendar()?.id) {
        writeQuery({ calendar: booking.calendar });
        this.#choose(booking.calendar);
      }
      const start = Date.parse(booking.start ?? "");
      if (booking.status === "cancelled" || booking.status === "rejected") this.#pane.showEnded();
      if (!Number.isNaN(start)) this.#pane.days.show({ day: dayKey(start, this.#context.zone()) });
      this.#context.changed();
    } catch {
      writeQuery({ booking: "" });
      this.#context.toasts.say(texts.head.noBooking, "bad");
    }
  }
}
