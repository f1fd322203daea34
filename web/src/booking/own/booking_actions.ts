/** The commands of a visitor, and their record in this browser.
 *
 * Each command is a pending request until its answer is known. The browser keeps it with its key,
 * over a reload too, and sends it again. So the visitor learns the outcome. */

import type { SentCodeAnswer, VerifiedAnswer } from "../../client/wire";
import type { Booking, Calendar, Proof, Slot } from "../../client";
import { newKey, SlotcastError } from "../../client";
import { type Outcome, sendPending } from "./pending_request";
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
  readonly #told: (settled: Settled) => void;
  readonly #language: string;

  /** `language` is that of the page, for mails. */
  constructor(
    calendar: Calendar,
    mine: OwnStore,
    now: () => number,
    language: string,
    told: (settled: Settled) => void = () => {},
  ) {
    this.#told = told;
    this.#language = language;
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
  requestFor(hold: MyHold, said: Omit<BookingRequest, "key" | "seats">, seats: number) {
    const { request } = hold;
    const textOf = (one: Omit<BookingRequest, "key">) =>
      JSON.stringify([one.customer, one.data, one.seats]);
    if (request !== undefined && textOf(request) === textOf({ ...said, seats })) return request;
    const made: BookingRequest = { key: newKey(), ...said, seats, language: this.#language };
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

  /** Sends the code that the customer was mailed, and keeps the booking as it is with it. */
  readonly verify = async (booking: MyBooking, code: string): Promise<VerifiedAnswer> => {
    const answer = await this.#calendar.verify(booking, code);
    const { verification: _, ...verified } = booking;
    if (answer.verified) this.#mine.keepBooking({ ...verified, ...answer.booking }, booking);
    return answer;
  };

  /** Asks for the mail with the code once more, in the language of this page. */
  readonly sendCode = (booking: MyBooking): Promise<SentCodeAnswer> =>
    this.#calendar.sendCode(booking, { language: this.#language });

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
      this.#told({ pending, outcome });
      return outcome;
    } catch (error) {
      const isOpen =
        !(error instanceof SlotcastError) || error.key !== undefined || error.code === "closed";
      // The visitor may have given it up meanwhile.
      const isUnwanted = this.#mine.pendingRequests.some(
        (one) => one.key === pending.key && one.isUnwanted,
      );
      if (isOpen) this.#mine.keepPending({ ...asking, isUnwanted, isGivenUp: true });
      else {
        this.#mine.dropPending(pending.key);
        // The server has another secret, and takes the token of the hold for nothing any more.
        const isVoid = error.code === "hold_not_yours" && pending.hold !== undefined;
        if (isVoid) this.#mine.dropHold(pending.hold.id);
        this.#told({ pending, error });
      }
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

  /** Takes over the entries of an earlier version of the page. A failure is tried again later. */
  async adopt(): Promise<void> {
    try {
      if (localStorage.getItem(this.#mine.earlier) === null) return;
      const { adoptEarlier } = await import("./earlier_entries");
      await adoptEarlier(this.#mine, this.#calendar);
    } catch {
      // The storage is forbidden, or the network is away.
    }
  }

  /** Returns the holds whose seats the server does not hold any more: it was set back to an earlier
   * copy. A hold that has expired by now is none of them. */
  lostHolds(): readonly MyHold[] {
    const asked = new Set(this.#mine.pendingRequests.map((pending) => pending.hold?.id));
    return this.#mine.holds.filter((hold) => {
      const isOver = Date.parse(hold.expires_at) <= this.#now();
      const held = this.#calendar.slot(hold.slot)?.held ?? 0;
      return !isOver && !asked.has(hold.id) && held < hold.seats;
    });
  }

  dropHold(hold: MyHold): void {
    this.#mine.dropHold(hold.id);
  }

  /** Reads the visitor's bookings again after a change that may concern them. Returns those that the
   * server does not open any more, each once. */
  async refresh(type: string | undefined, slots: readonly Slot[]): Promise<readonly MyBooking[]> {
    const lost: MyBooking[] = [];
    if (type !== undefined && !CONCERNS.has(type)) return lost;
    const touched = new Set(slots.map((slot) => slot.id));
    for (const booking of this.#mine.bookings) {
      if (booking.calendar !== this.#calendar.id) continue;
      if (type !== undefined && touched.size > 0 && !touched.has(booking.slot)) continue;
      const missing = await this.#refreshOne(booking);
      if (missing !== undefined) lost.push(missing);
    }
    return lost;
  }

  /** Returns the booking if the server does not open it any more, the first time. */
  async #refreshOne(booking: MyBooking): Promise<MyBooking | undefined> {
    try {
      const now = await this.#calendar.booking(booking);
      const isOlder = now.start === undefined && now.slot === booking.slot; // the server
      const times = isOlder ? booking : timesIn(now);
      const isMoved = now.slot !== booking.slot || times.start !== booking.start;
      const isSame = now.status === booking.status && !isMoved && times.end === booking.end;
      const { verification } = booking;
      const kept = { ...now, ...(verification && { verification }) };
      if (!isSame || booking.isMissing) this.#mine.keepBooking(kept, times);
    } catch (error) {
      if (!(error instanceof SlotcastError) || error.details.rule !== undefined) return undefined;
      // With another secret the server refuses the token of the booking.
      const isShut = error.code === "forbidden";
      if (booking.isMissing || !(isShut || error.code === "not_found")) return undefined;
      const missing = { ...booking, isShut };
      this.#mine.missBooking(missing);
      return missing;
    }
    return undefined;
  }
}

const timesOf = ({ slot, start, end, seats }: MyHold | MyBooking) => ({ slot, start, end, seats });

/** The times in the answer about a booking. */
const timesIn = ({ start = "", end = "" }: Partial<Times>): Times => ({ start, end });
