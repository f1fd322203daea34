/** What a visitor does with a calendar, and what this browser remembers of it.
 *
 * Each command is an errand until its answer is known: kept with its key, over a reload too, and
 * asked again under it, so that it is done once and the visitor learns how it ended. */

import type { Booking, Calendar, Customer, Proof, Slot } from "../client";
import { newKey, SlotcastError } from "../client";
import { askErrand, type Outcome } from "./errand";
import { tabId } from "./entry_store";
import type { Errand, Mine, MyBooking, MyHold, Wish } from "./mine";
import { findTimes, type Times } from "./slot_search";

/** Bookings that another side can change without naming the slot. */
const CONCERNS = new Set(["booking.updated", "slot.cancelled", "slot.rescheduled"]);

/** The keys of the errands that this page is asking right now. */
const running = new Set<string>();
/** No page asks for longer than this before it gives an errand up. */
const ASKING_MS = 60_000;

export interface Settled {
  readonly errand: Errand;
  readonly outcome?: Outcome;
  readonly error?: unknown;
}

export class BookingActions {
  readonly #calendar: Calendar;
  readonly #mine: Mine;
  readonly #now: () => number;

  constructor(calendar: Calendar, mine: Mine, now: () => number) {
    this.#calendar = calendar;
    this.#mine = mine;
    this.#now = now;
  }

  async hold(slot: Pick<Slot, "id" | "start" | "end">, seats = 1): Promise<MyHold> {
    const { id, start, end } = slot;
    // Under the key of an earlier try it may be one that has lapsed; then it is held anew.
    for (;;) {
      const errand = this.#errand("hold", { slot: id, start, end, seats });
      const { hold } = await this.#run(errand);
      if (hold !== undefined) return { ...hold, start, end };
    }
  }

  async extend(hold: MyHold): Promise<MyHold> {
    const longer = (await this.#run(this.#errand("extend", { ...timesOf(hold), hold }))).hold;
    return { ...hold, ...longer };
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
    await this.#run(this.#errand("release", { ...timesOf(hold), hold }));
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
    const { wish: _, ...bare } = hold;
    const errand = { ...this.#errand("book", { ...timesOf(hold), hold: bare, wish }) };
    return (await this.#run({ ...errand, key: wish.key })).booking as Booking;
  }

  async cancel(booking: MyBooking): Promise<void> {
    await this.#run(this.#errand("cancel", { ...timesOf(booking), booking }));
  }

  async move(booking: MyBooking, slot: Slot, hold?: MyHold): Promise<void> {
    const { id, start, end } = slot;
    const { seats } = booking;
    const to = { slot: id, start, end, seats, booking, ...(hold && { hold }) };
    await this.#run(this.#errand("move", to));
  }

  /** The visitor no longer wants what was asked for and not answered. */
  giveUp(errand: Errand): void {
    this.#mine.keepErrand({ ...errand, isUnwanted: true });
  }

  /** Asks again what was never answered, also by a page that is gone. */
  async settle(): Promise<readonly Settled[]> {
    const settled: Settled[] = [];
    for (const errand of this.#mine.errands) {
      const isOurs = errand.tab === tabId() && !running.has(errand.key);
      const isLeft = errand.isGivenUp || this.#now() - errand.at > ASKING_MS;
      if (!isOurs && (running.has(errand.key) || !isLeft)) continue;
      try {
        settled.push({ errand, outcome: await this.#run(errand) });
      } catch (error) {
        if (!this.#mine.hasErrand(errand.key)) settled.push({ errand, error });
      }
    }
    return settled;
  }

  /** The errand that has not been answered yet, where the same is asked for again; else a new one. */
  #errand(what: Errand["what"], fields: Omit<Errand, "key" | "what" | "at" | "tab">): Errand {
    const isSame = (one: Errand) =>
      one.what === what &&
      !one.isUnwanted &&
      one.slot === fields.slot &&
      one.seats === fields.seats &&
      one.hold?.id === fields.hold?.id &&
      one.booking?.id === fields.booking?.id;
    const { errands } = this.#mine;
    const isAbout = (one: Errand, of: "hold" | "booking") =>
      fields[of] !== undefined && one[of]?.id === fields[of].id;
    for (const one of errands) {
      // What was asked of it before must not be done after this.
      const isOlder = (isAbout(one, "hold") || isAbout(one, "booking")) && !isSame(one);
      if (isOlder) this.giveUp(one);
    }
    const known = errands.find(isSame);
    return { key: known?.key ?? newKey(), what, tab: tabId(), at: this.#now(), ...fields };
  }

  async #run(errand: Errand): Promise<Outcome> {
    running.add(errand.key);
    const { isGivenUp: _, ...asking } = errand;
    this.#mine.keepErrand(asking);
    try {
      const outcome = await askErrand(this.#calendar, asking, this.#now());
      this.#keep(errand, outcome);
      this.#mine.dropErrand(errand.key);
      return outcome;
    } catch (error) {
      const isOpen =
        !(error instanceof SlotcastError) || error.key !== undefined || error.code === "closed";
      // It may have been taken back while it was asked.
      const isUnwanted = this.#mine.errands.some((one) => one.key === errand.key && one.isUnwanted);
      if (isOpen) this.#mine.keepErrand({ ...asking, isUnwanted, isGivenUp: true });
      else this.#mine.dropErrand(errand.key);
      throw error;
    } finally {
      running.delete(errand.key);
    }
  }

  #keep({ what, hold, ...errand }: Errand, outcome: Outcome): void {
    const isGone = what === "release" || what === "book" || what === "move";
    if (outcome.booking !== undefined) this.#mine.keepBooking(outcome.booking, errand);
    if (outcome.hold !== undefined) this.#mine.keepHold(outcome.hold, errand);
    if (hold !== undefined && isGone) this.#mine.dropHold(hold.id);
  }

  /** Reads the booking that a link proves to be the visitor's, and remembers it. */
  async open(proof: Proof): Promise<Booking & Times> {
    const booking = await this.#calendar.booking(proof);
    const times = await this.#timesOf(booking);
    this.#mine.keepBooking(booking, times);
    return { ...booking, ...times };
  }

  /** Takes over what an earlier version kept under the calendar's id alone, if it is this server's:
   * its slot is there, or the booking is. What is not stays for the server that it belongs to. */
  async adopt(): Promise<void> {
    const { holds, bookings, proofs } = this.#mine.legacy;
    const taken = new Set<string>();
    for (const { wish, ...hold } of holds) {
      if (this.#calendar.slot(hold.slot) === undefined) continue;
      this.#mine.keepHold(hold, hold);
      if (wish !== undefined) this.#mine.keepWish(hold.id, wish);
      taken.add(hold.id);
    }
    for (const booking of bookings) {
      const isHere = this.#calendar.slot(booking.slot) !== undefined;
      try {
        this.#mine.keepBooking(isHere ? booking : await this.#calendar.booking(booking), booking);
        taken.add(booking.id);
      } catch {
        // Of another server, or not to be read just now.
      }
    }
    for (const proof of proofs) {
      this.#mine.keepProof(proof);
      taken.add(proof.id);
    }
    this.#mine.forgetLegacy(taken);
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
      if (isSame && booking.start !== "" && !booking.isMissing) return;
      const times = now.slot === booking.slot && booking.start !== "" ? booking : undefined;
      this.#mine.keepBooking(now, times ?? (await this.#timesOf(now)));
    } catch (error) {
      if (error instanceof SlotcastError && error.code === "not_found") {
        this.#mine.missBooking(booking);
      }
    }
  }

  /** When the booking is; empty where the visitor may not see its slot, or it is no more. */
  async #timesOf({ calendar, slot }: Booking): Promise<Times> {
    const nowhere = { start: "", end: "" };
    if (calendar !== this.#calendar.id) return nowhere;
    const known = this.#calendar.slot(slot);
    if (known !== undefined) return known;
    const look = (from: string, to: string) => this.#calendar.look(from, to);
    const from = this.#calendar.covered.from || new Date(this.#now()).toISOString();
    return (await findTimes(look, slot, from).catch(() => undefined)) ?? nowhere;
  }
}

const timesOf = ({ slot, start, end, seats }: MyHold | MyBooking) => ({ slot, start, end, seats });
