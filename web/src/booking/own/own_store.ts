/** The visitor's own holds, bookings and requests without an answer on one calendar. This browser
 * keeps them with their tokens. Other tabs see them too. */

import type { Booking, BookingStatus, Customer, Hold, Proof, Slot } from "../../client";
import { EntryStore } from "./entry_store";

/** The fields of a booking and its key. A repeated request with the key returns a lost answer. */
export interface BookingRequest {
  readonly key: string;
  readonly customer: Customer;
  readonly seats: number;
  readonly language?: string;
  readonly data?: { readonly answers: Readonly<Record<string, string>> };
}

export interface MyHold extends Hold {
  readonly start: string;
  readonly end: string;
  readonly request?: BookingRequest;
}

/** `start` and `end` are empty while the slot's times are unknown. */
export interface MyBooking extends Booking {
  readonly start: string;
  readonly end: string;
  /** The server does not know it: the database is an earlier copy, or another one. */
  readonly isMissing?: boolean;
  /** The server knows it, but not its token: the server has another secret. */
  readonly isShut?: boolean;
}

/** A command without an answer, kept with its key until the answer comes. */
export interface PendingRequest {
  readonly key: string;
  readonly what: "hold" | "extend" | "release" | "book" | "cancel" | "move";
  /** The tab that has sent it. */
  readonly tab: string;
  /** The time of the first try, by the server's clock. */
  readonly at: number;
  /** The slot of the request; of a move, its new slot. */
  readonly slot: string;
  readonly start: string;
  readonly end: string;
  readonly seats: number;
  readonly hold?: MyHold;
  readonly booking?: MyBooking;
  readonly request?: BookingRequest;
  /** No page waits for it. It is sent again once the network is back. */
  readonly isGivenUp?: boolean;
  readonly isUnwanted?: boolean;
}

export type Mark =
  | { readonly kind: "hold"; readonly until: number }
  | { readonly kind: "booking"; readonly status: BookingStatus };

/** A booking stays listed for a day after its end. */
const KEEP_MS = 86_400_000;
/** A hold's token outlives it, as the clock may have been wrong. */
const KEEP_HOLD_MS = 600_000;

/** The names of entries and of a member in the storage. Earlier versions of the page read them too. */
const STORED = { pending: "errand", request: "wish" } as const;

type WithRequest = { readonly request?: BookingRequest };
export type Stored<Entry extends WithRequest> = Omit<Entry, "request"> & {
  readonly wish?: BookingRequest;
};

export function toStored<Entry extends WithRequest>({ request, ...rest }: Entry): Stored<Entry> {
  return { ...rest, ...(request && { wish: request }) };
}

export function fromStored<Entry extends WithRequest>({ wish, ...rest }: Stored<Entry>): Entry {
  return { ...rest, ...(wish && { request: wish }) } as unknown as Entry;
}

export class OwnStore {
  readonly #store: EntryStore;
  /** The name of the entries of an earlier version for this calendar, of any server. */
  readonly earlier: string;
  /** Holds that have expired by the clock as it is now. */
  readonly #expired = new Set<string>();

  constructor(server: string, calendar: string, changed: () => void) {
    this.#store = new EntryStore(server, calendar, changed);
    this.earlier = `slotcast.mine.${calendar}`;
  }

  close(): void {
    this.#store.close();
  }

  get holds(): readonly MyHold[] {
    return this.#allHolds.filter((hold) => !this.#expired.has(hold.id));
  }

  get #allHolds(): readonly MyHold[] {
    return byStart(this.#store.all<MyHold>("hold")).map((hold) => {
      const request = this.#store.get<BookingRequest>(STORED.request, hold.id);
      return request === undefined ? hold : { ...hold, request };
    });
  }

  get bookings(): readonly MyBooking[] {
    return byStart(this.#store.all<MyBooking>("booking"));
  }

  /** The bookings of links, not read from the server yet. */
  get proofs(): readonly Proof[] {
    return this.#store.all<Proof>("proof");
  }

  get pendingRequests(): readonly PendingRequest[] {
    return byStart(this.#store.all<Stored<PendingRequest>>(STORED.pending).map(fromStored));
  }

  /** The slots that may have a mark. */
  get marked(): ReadonlySet<string> {
    return new Set([...this.holds, ...this.bookings].map(({ slot }) => slot));
  }

  markOf(slot: string): Mark | undefined {
    const hold = this.holds.find((one) => one.slot === slot);
    if (hold !== undefined) return { kind: "hold", until: Date.parse(hold.expires_at) };
    const booking = this.bookings.find(
      (one) => one.slot === slot && isStanding(one.status) && !one.isMissing,
    );
    return booking && { kind: "booking", status: booking.status };
  }

  /** The later of two ends is newer: another tab may have asked for more time. */
  keepHold(hold: Hold, { start, end }: Pick<Slot, "start" | "end">): void {
    const { id, slot, seats, token } = hold;
    const known = this.#store.get<MyHold>("hold", id)?.expires_at ?? hold.expires_at;
    const isOlder = Date.parse(hold.expires_at) < Date.parse(known);
    const expires_at = isOlder ? known : hold.expires_at;
    this.#expired.delete(id);
    this.#store.put("hold", id, { id, slot, seats, expires_at, token, start, end });
  }

  keepRequest(id: string, request: BookingRequest): void {
    this.#store.put(STORED.request, id, request);
  }

  dropHold(id: string): void {
    this.#store.drop(STORED.request, id);
    this.#store.drop("hold", id);
  }

  keepBooking(booking: Booking, slot: Pick<Slot, "start" | "end">): void {
    const { start, end } = slot;
    const { id, calendar, seats, status, token } = booking;
    const { verification } = booking;
    const kept = { id, calendar, slot: booking.slot, seats, status, token, start, end };
    // The code can be entered after a reload too.
    const waits = status === "pending" && verification !== undefined;
    this.#store.put("booking", id, { ...kept, ...(waits && { verification }) });
    this.#store.drop("proof", id);
  }

  /** Marks a booking that the server does not open any more. Only the visitor removes it. */
  missBooking(booking: MyBooking): void {
    this.#store.put("booking", booking.id, { ...booking, isMissing: true });
  }

  dropBooking(id: string): void {
    this.#store.drop("booking", id);
  }

  keepProof({ id, token }: Proof): void {
    this.#store.put("proof", id, { id, token });
  }

  dropProof(id: string): void {
    this.#store.drop("proof", id);
  }

  keepPending(pending: PendingRequest): void {
    this.#store.put(STORED.pending, pending.key, toStored(pending));
  }

  dropPending(key: string): void {
    this.#store.drop(STORED.pending, key);
  }

  hasPending(key: string): boolean {
    return this.#store.get(STORED.pending, key) !== undefined;
  }

  /** Drops expired holds and past bookings by the server's clock, and returns the holds that have
   * expired just now. A hold with an open request stays. */
  prune(now: number): readonly MyHold[] {
    const asked = new Set(this.pendingRequests.map((pending) => pending.hold?.id));
    const expired: MyHold[] = [];
    for (const hold of this.#allHolds) {
      const over_ms = now - Date.parse(hold.expires_at);
      if (over_ms < 0 || asked.has(hold.id)) this.#expired.delete(hold.id);
      else if (over_ms > KEEP_HOLD_MS) this.dropHold(hold.id);
      else if (!this.#expired.has(hold.id)) {
        this.#expired.add(hold.id);
        expired.push(hold);
      }
    }
    for (const booking of this.bookings) {
      if (Date.parse(booking.end) + KEEP_MS <= now) this.dropBooking(booking.id);
    }
    return expired;
  }
}

const byStart = <Entry extends { readonly start: string }>(entries: readonly Entry[]): Entry[] =>
  [...entries].sort((a, b) => a.start.localeCompare(b.start));

/** Whether the panel shows the request: a hold without an answer that the visitor still wants. */
export const isAsked = ({ what, isGivenUp, isUnwanted }: PendingRequest): boolean =>
  what === "hold" && isGivenUp === true && isUnwanted !== true;

export const isStanding = (status: BookingStatus): boolean =>
  status === "pending" || status === "confirmed";
