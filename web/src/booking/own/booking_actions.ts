/** The commands of a visitor, and their record in this browser.
 *
 * Each command is a pending request until its answer is known. The browser keeps it with its key,
 * over a reload too, and sends it again. So the visitor learns the outcome. */

import type { Booking, Calendar, Customer, Proof, Slot } from "../../client";
import { newKey, SlotcastError } from "../../client";
import { sendPending, type Outcome } from "./pending_request";
import { tabId } from "./entry_store";
import type { PendingRequest, OwnStore, MyBooking, MyHold, BookingRequest } from "./own_store";

type Times = Pick<Slot, "start" | "end">;

/** The changes after which a booking may have another slot, time or state. */
const CONCERNS = new Set(["booking.updated", "slot.cancelled", "slot.rescheduled", "slot.updated"]);

/** The keys of the requests that this page is sending. */
const running = new Set<string>();
/** A page sends a request no longer than this. */
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
    // The key of an earlier try may return an expired hold. Then a new key gets a new hold.
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

  /** Changes the places of a hold: releases it and holds the slot again. A failure restores the old
   * number. */
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

  /** Returns the booking request for a hold. The same fields keep their key. */
  requestFor(hold: MyHold, customer: Customer, seats: number): BookingRequest {
    const { request } = hold;
    const isSame =
      JSON.stringify([request?.customer, request?.seats]) === JSON.stringify([customer, seats]);
    if (request !== undefined && isSame) return request;
    const made = { key: newKey(), customer, seats };
    this.#mine.keepRequest(hold.id, made);
    return made;
  }

  async book(hold: MyHold, request: BookingRequest): Promise<Booking> {
    const { request: _, ...bare } = hold;
    const pending = { ...this.#pending("book", { ...timesOf(hold), hold: bare, request }) };
    return (await this.#run({ ...pending, key: request.key })).booking as Booking;
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

  /** Marks a request without an answer as unwanted. */
  giveUp(pending: PendingRequest): void {
    this.#mine.keepPending({ ...pending, isUnwanted: true });
  }

  /** Repeats the requests without an answer, also those of closed pages. */
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
      // An earlier request for it must not run after this one.
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
      // The visitor may have given it up meanwhile.
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

  /** Reads the booking of a link, and keeps it as the visitor's own. */
  async open(proof: Proof): Promise<Booking & Times> {
    const booking = await this.#calendar.booking(proof);
    const times = timesIn(booking);
    this.#mine.keepBooking(booking, times);
    return { ...booking, ...times };
  }

  /** Takes over the entries of an earlier version, stored under the calendar's id alone. They are
   * this server's if their slot or booking is here. The others stay for their own server. */
  async adopt(): Promise<void> {
    const { holds, bookings, proofs } = this.#mine.legacy;
    const taken = new Set<string>();
    for (const { request, ...hold } of holds) {
      if (this.#calendar.slot(hold.slot) === undefined) continue;
      this.#mine.keepHold(hold, hold);
      if (request !== undefined) this.#mine.keepRequest(hold.id, request);
      taken.add(hold.id);
    }
    for (const booking of bookings) {
      const isHere = this.#calendar.slot(booking.slot) !== undefined;
      try {
        this.#mine.keepBooking(isHere ? booking : await this.#calendar.booking(booking), booking);
        taken.add(booking.id);
      } catch {
        // It belongs to another server, or cannot be read now.
      }
    }
    for (const proof of proofs) {
      this.#mine.keepProof(proof);
      taken.add(proof.id);
    }
    this.#mine.forgetLegacy(taken);
  }

  /** Reads the visitor's bookings again after a change that may concern them. */
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
      const isOlder = now.start === undefined && now.slot === booking.slot; // the server
      const times = isOlder ? booking : timesIn(now);
      const isMoved = now.slot !== booking.slot || times.start !== booking.start;
      const isSame = now.status === booking.status && !isMoved && times.end === booking.end;
      if (!isSame || booking.isMissing) this.#mine.keepBooking(now, times);
    } catch (error) {
      if (error instanceof SlotcastError && error.code === "not_found") {
        this.#mine.missBooking(booking);
      }
    }
  }
}

const timesOf = ({ slot, start, end, seats }: MyHold | MyBooking) => ({ slot, start, end, seats });

/** The times in the answer about a booking. */
const timesIn = ({ start = "", end = "" }: Partial<Times>): Times => ({ start, end });
