/** The visitor's own holds, bookings and requests without an answer on one calendar. This browser
 * keeps them with their tokens. Other tabs see them too. */

import type { Booking, BookingStatus, Customer, Hold, Proof, Slot } from "../../client";
import { EntryStore } from "./entry_store";

/** The fields of a booking and its key. A repeated request with the key returns a lost answer. */
export interface BookingRequest {
  readonly key: string;
  readonly customer: Customer;
  readonly seats: number;
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

interface Legacy {
  readonly holds: readonly MyHold[];
  readonly bookings: readonly MyBooking[];
  readonly proofs: readonly Proof[];
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
type Stored<Entry extends WithRequest> = Omit<Entry, "request"> & {
  readonly wish?: BookingRequest;
};

function toStored<Entry extends WithRequest>({ request, ...rest }: Entry): Stored<Entry> {
  return { ...rest, ...(request && { wish: request }) };
}

function fromStored<Entry extends WithRequest>({ wish, ...rest }: Stored<Entry>): Entry {
  return { ...rest, ...(wish && { request: wish }) } as unknown as Entry;
}

export class OwnStore {
  readonly #store: EntryStore;
  readonly #legacy: string;
  /** Holds that have expired by the clock as it is now. */
  readonly #expired = new Set<string>();

  constructor(server: string, calendar: string, changed: () => void) {
    this.#store = new EntryStore(server, calendar, changed);
    this.#legacy = `slotcast.mine.${calendar}`;
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

  markOf(slot: string): Mark | undefined {
    const hold = this.holds.find((one) => one.slot === slot);
    if (hold !== undefined) return { kind: "hold", until: Date.parse(hold.expires_at) };
    const booking = this.bookings.find((one) => one.slot === slot && isStanding(one.status));
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
    const kept = { id, calendar, slot: booking.slot, seats, status, token, start, end };
    this.#store.put("booking", id, kept);
    this.#store.drop("proof", id);
  }

  /** Marks a booking as unknown to the server. Only the visitor removes it. */
  missBooking(booking: MyBooking): void {
    if (!booking.isMissing) this.#store.put("booking", booking.id, { ...booking, isMissing: true });
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

  /** The entries of an earlier version for this calendar, of any server. */
  get legacy(): Legacy {
    try {
      const kept = JSON.parse(localStorage.getItem(this.#legacy) ?? "null") as Partial<Legacy>;
      const list = <Entry>(entries: readonly Entry[] | undefined) =>
        Array.isArray(entries) ? entries : [];
      return {
        holds: list(kept.holds as readonly Stored<MyHold>[] | undefined).map((hold) =>
          fromStored<MyHold>(hold),
        ),
        bookings: list(kept.bookings),
        proofs: list(kept.proofs),
      };
    } catch {
      return { holds: [], bookings: [], proofs: [] };
    }
  }

  /** Removes the entries that this server has taken over. */
  forgetLegacy(ids: ReadonlySet<string>): void {
    if (ids.size === 0) return;
    const { holds, bookings, proofs } = this.legacy;
    const rest = {
      holds: holds.filter(({ id }) => !ids.has(id)),
      bookings: bookings.filter(({ id }) => !ids.has(id)),
      proofs: proofs.filter(({ id }) => !ids.has(id)),
    };
    try {
      if (Object.values(rest).every((entries) => entries.length === 0))
        localStorage.removeItem(this.#legacy);
      else {
        const holds = rest.holds.map(toStored);
        localStorage.setItem(this.#legacy, JSON.stringify({ ...rest, holds }));
      }
    } catch {
      // Then the page takes them over again, which changes nothing.
    }
  }
}

const byStart = <Entry extends { readonly start: string }>(entries: readonly Entry[]): Entry[] =>
  [...entries].sort((a, b) => a.start.localeCompare(b.start));

export const isStanding = (status: BookingStatus): boolean =>
  status === "pending" || status === "confirmed";
