/** The commands of a visitor, and their record in this browser.
 *
 * Each command is a pending request until its answer is known. The browser keeps it with its
 * key, over a reload too, and sends it again, so that the visitor learns the outcome. */

import type { Booking, Calendar, Customer, Proof, Slot } from "../../client";
import { newKey, SlotcastError } from "../../client";
import { sendPending, type Outcome } from "./pending_request";
import { tabId } from "./entry_store";
import type { PendingRequest, OwnStore, MyBooking, MyHold, BookingRequest } from "./own_store";
import { findTimes, type Times } from "../slot_search";

/** Bookings that another side can change without naming the slot. */
const CONCERNS = new Set(["booking.updated", "slot.cancelled", "slot.rescheduled"]);

/** The keys of the pending requests that this page is sending. */
const running = new Set<string>();
/** No page sends for longer than this before it gives a pending request up. */
const ASKING_MS = 60_000;

export interface Settled {
  readonly pending: PendingRequest;
  readonly outcome?: Outcome;
  readonly error?: unknown;
}

export class BookingActions {
  readonly #calendar: Calendar;
  readonly #mine: OwnStore;
  readonly #now: () => number;

  constructor(calendar: Calendar, mine: OwnStore, now: () => number) {
    this.#calendar = calendar;
    this.#mine = mine;
    this.#now = now;
  }

  async hold(slot: Pick<Slot, "id" | "start" | "end">, seats = 1): Promise<MyHold> {
    const { id, start, end } = slot;
    // Under the key of an earlier try it may be one that has lapsed; then it is held anew.
    for (;;) {
      const pending = this.#pending("hold", { slot: id, start, end, seats });
      const { hold } = await this.#run(pending);
      if (hold !== undefined) return { ...hold, start, end };
    }
  }

  async extend(hold: MyHold): Promise<MyHold> {
    const longer = (await this.#run(this.#pending("extend", { ...timesOf(hold), hold }))).hold;
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
    await this.#run(this.#pending("release", { ...timesOf(hold), hold }));
  }

  /** What the hold is to be booked for; under the same key for as long as that is the same. */
  wish(hold: MyHold, customer: Customer, seats: number): BookingRequest {
    const { wish } = hold;
    const isSame =
      JSON.stringify([wish?.customer, wish?.seats]) === JSON.stringify([customer, seats]);
    if (wish !== undefined && isSame) return wish;
    const made = { key: newKey(), customer, seats };
    this.#mine.keepWish(hold.id, made);
    return made;
  }

  async book(hold: MyHold, wish: BookingRequest): Promise<Booking> {
    const { wish: _, ...bare } = hold;
    const pending = { ...this.#pending("book", { ...timesOf(hold), hold: bare, wish }) };
    return (await this.#run({ ...pending, key: wish.key })).booking as Booking;
  }

  async cancel(booking: MyBooking): Promise<void> {
    await this.#run(this.#pending("cancel", { ...timesOf(booking), booking }));
  }

  async move(booking: MyBooking, slot: Slot, hold?: MyHold): Promise<void> {
    const { id, start, end } = slot;
    const { seats } = booking;
    const to = { slot: id, start, end, seats, booking, ...(hold && { hold }) };
    await this.#run(this.#pending("move", to));
  }

  /** The visitor no longer wants what was asked for and not answered. */
  giveUp(pending: PendingRequest): void {
    this.#mine.keepPending({ ...pending, isUnwanted: true });
  }

  /** Asks again what was never answered, also by a page that is gone. */
  async settle(): Promise<readonly Settled[]> {
    const settled: Settled[] = [];
    for (const pending of this.#mine.pendingRequests) {
      const isOurs = pending.tab === tabId() && !running.has(pending.key);
      const isLeft = pending.isGivenUp || this.#now() - pending.at > ASKING_MS;
      if (!isOurs && (running.has(pending.key) || !isLeft)) continue;
      try {
        settled.push({ pending, outcome: await this.#run(pending) });
      } catch (error) {
        if (!this.#mine.hasPending(pending.key)) settled.push({ pending, error });
      }
    }
    return settled;
  }

  /** Returns the open pending request for the same command, or a new one. */
  #pending(
    what: PendingRequest["what"],
    fields: Omit<PendingRequest, "key" | "what" | "at" | "tab">,
  ): PendingRequest {
    const isSame = (one: PendingRequest) =>
      one.what === what &&
      !one.isUnwanted &&
      one.slot === fields.slot &&
      one.seats === fields.seats &&
      one.hold?.id === fields.hold?.id &&
      one.booking?.id === fields.booking?.id;
    const { pendingRequests } = this.#mine;
    const isAbout = (one: PendingRequest, of: "hold" | "booking") =>
      fields[of] !== undefined && one[of]?.id === fields[of].id;
    for (const one of pendingRequests) {
      // What was asked of it before must not be done after this.
      const isOlder = (isAbout(one, "hold") || isAbout(one, "booking")) && !isSame(one);
      if (isOlder) this.giveUp(one);
    }
    const known = pendingRequests.find(isSame);
    return { key: known?.key ?? newKey(), what, tab: tabId(), at: this.#now(), ...fields };
  }

  async #run(pending: PendingRequest): Promise<Outcome> {
    running.add(pending.key);
    const { isGivenUp: _, ...asking } = pending;
    this.#mine.keepPending(asking);
    try {
      const outcome = await sendPending(this.#calendar, asking, this.#now());
      this.#keep(pending, outcome);
      this.#mine.dropPending(pending.key);
      return outcome;
    } catch (error) {
      const isOpen =
        !(error instanceof SlotcastError) || error.key !== undefined || error.code === "closed";
      // It may have been taken back while it was asked.
      const isUnwanted = this.#mine.pendingRequests.some(
        (one) => one.key === pending.key && one.isUnwanted,
      );
      if (isOpen) this.#mine.keepPending({ ...asking, isUnwanted, isGivenUp: true });
      else this.#mine.dropPending(pending.key);
      throw error;
    } finally {
      running.delete(pending.key);
    }
  }

  #keep({ what, hold, ...pending }: PendingRequest, outcome: Outcome): void {
    const isGone = what === "release" || what === "book" || what === "move";
    if (outcome.booking !== undefined) this.#mine.keepBooking(outcome.booking, pending);
    if (outcome.hold !== undefined) this.#mine.keepHold(outcome.hold, pending);
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
