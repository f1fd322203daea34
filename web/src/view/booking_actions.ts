/** What a visitor does with a calendar, and what this browser remembers of it. */

import type { Booking, Calendar, Customer, Proof, Slot } from "../client";
import { newKey, SlotcastError } from "../client";
import type { Mine, MyBooking, MyHold, Wish } from "./mine";
import { findTimes, type Times } from "./slot_search";

/** Bookings that another side can change without naming the slot. */
const CONCERNS = new Set(["booking.updated", "slot.cancelled", "slot.rescheduled"]);

export class BookingActions {
  readonly #calendar: Calendar;
  readonly #mine: Mine;

  constructor(calendar: Calendar, mine: Mine) {
    this.#calendar = calendar;
    this.#mine = mine;
  }

  async hold(slot: Pick<Slot, "id" | "start" | "end">, seats = 1): Promise<MyHold> {
    const hold = await this.#calendar.hold(slot.id, seats > 1 ? { seats } : {});
    this.#mine.keepHold(hold, slot);
    return { ...hold, start: slot.start, end: slot.end };
  }

  async extend(hold: MyHold): Promise<MyHold> {
    const longer = { ...hold, ...(await this.#calendar.extend(hold)) };
    this.#mine.keepHold(longer, hold);
    return longer;
  }

  /** A hold has a fixed number of places: let go and take again; if that fails, as before. */
  async reseat(hold: MyHold, seats: number): Promise<MyHold> {
    const { slot: id, start, end } = hold;
    await this.letGo(hold);
    try {
      return await this.hold({ id, start, end }, seats);
    } catch (error) {
      await this.hold({ id, start, end }, hold.seats).catch(() => {});
      throw error;
    }
  }

  async letGo(hold: MyHold): Promise<void> {
    this.#mine.dropHold(hold.id);
    try {
      await this.#calendar.release(hold);
    } catch (error) {
      // Lapsed or released before: it is gone, as was asked.
      if (!isGone(error)) throw error;
    }
  }

  /** What the hold is to be booked for; under the same key for as long as that is the same. */
  wish(hold: MyHold, customer: Customer, seats: number): Wish {
    const { wish } = hold;
    const isSame =
      JSON.stringify([wish?.customer, wish?.seats]) === JSON.stringify([customer, seats]);
    if (wish !== undefined && isSame) return wish;
    const made = { key: newKey(), customer, seats };
    this.#mine.keepWish(hold.id, made);
    return made;
  }

  async book(hold: MyHold, wish: Wish): Promise<Booking> {
    const booking = await this.#calendar.book(hold.slot, { hold, if_still_free: true, ...wish });
    this.#mine.keepBooking(booking, hold);
    this.#mine.dropHold(hold.id);
    return booking;
  }

  async cancel(booking: MyBooking): Promise<void> {
    this.#mine.keepBooking(await this.#calendar.cancel(booking), booking);
  }

  async move(booking: MyBooking, slot: Slot, hold?: MyHold): Promise<void> {
    const moved = await this.#calendar.reschedule(booking, slot.id, hold);
    this.#mine.keepBooking(moved, slot);
    if (hold !== undefined) this.#mine.dropHold(hold.id);
  }

  /** Reads the booking that a link proves to be the visitor's, and remembers it. */
  async open(proof: Proof): Promise<Booking & Times> {
    const booking = await this.#calendar.booking(proof);
    const times = await this.#timesOf(booking);
    this.#mine.keepBooking(booking, times);
    return { ...booking, ...times };
  }

  /** Asks how the visitor's bookings stand, where a change may have concerned them. */
  async refresh(type: string | undefined, slots: readonly Slot[]): Promise<void> {
    if (type !== undefined && !CONCERNS.has(type)) return;
    const touched = new Set(slots.map((slot) => slot.id));
    for (const booking of this.#mine.bookings) {
      if (booking.calendar !== this.#calendar.id) continue;
      if (type !== undefined && touched.size > 0 && !touched.has(booking.slot)) continue;
      await this.#refreshOne(booking);
    }
  }

  async #refreshOne(booking: MyBooking): Promise<void> {
    try {
      const now = await this.#calendar.booking(booking);
      const isSame = now.status === booking.status && now.slot === booking.slot;
      if (isSame && booking.start !== "") return;
      const times = now.slot === booking.slot && booking.start !== "" ? booking : undefined;
      this.#mine.keepBooking(now, times ?? (await this.#timesOf(now)));
    } catch (error) {
      if (isGone(error)) this.#mine.dropBooking(booking.id);
    }
  }

  /** When the booking is; empty where the visitor may not see its slot, or it is no more. */
  async #timesOf({ calendar, slot }: Booking): Promise<Times> {
    const nowhere = { start: "", end: "" };
    if (calendar !== this.#calendar.id) return nowhere;
    const known = this.#calendar.slot(slot);
    if (known !== undefined) return known;
    const look = (from: string, to: string) => this.#calendar.look(from, to);
    const from = this.#calendar.covered.from || new Date().toISOString();
    return (await findTimes(look, slot, from).catch(() => undefined)) ?? nowhere;
  }
}

const isGone = (error: unknown): boolean =>
  error instanceof SlotcastError &&
  ["not_found", "hold_expired", "invalid_transition"].includes(error.code);
