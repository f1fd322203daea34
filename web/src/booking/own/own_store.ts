/** The visitor's own holds and bookings on one calendar, kept in this browser with the tokens
 * that prove them, and what was asked for and not answered yet. Other tabs see them too. */

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
  readonly wish?: BookingRequest;
}

/** `start` and `end` are empty while it is not known when its slot is. */
export interface MyBooking extends Booking {
  readonly start: string;
  readonly end: string;
  /** The server does not know it: it was put back to an earlier copy, or is another one. */
  readonly isMissing?: boolean;
}

/** A command that was sent and choice answer is not known, kept with its key until it is. */
export interface PendingRequest {
  readonly key: string;
  readonly what: "hold" | "extend" | "release" | "book" | "cancel" | "move";
  /** The browser's tab that asked. */
  readonly tab: string;
  /** When it was asked for, by the server's clock. */
  readonly at: number;
  /** The slot that is concerned, or moved to. */
  readonly slot: string;
  readonly start: string;
  readonly end: string;
  readonly seats: number;
  readonly hold?: MyHold;
  readonly booking?: MyBooking;
  readonly wish?: BookingRequest;
  /** Nobody waits for it any more; it is asked again once the network is back. */
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
/** A hold's token outlives it, in case it was the clock that was wrong. */
const KEEP_HOLD_MS = 600_000;

export class OwnStore {
  readonly #store: EntryStore;
  readonly #legacy: string;
  /** Holds that have lapsed by the clock as it is now. */
  readonly #lapsed = new Set<string>();

  constructor(server: string, calendar: string, changed: () => void) {
    this.#store = new EntryStore(server, calendar, changed);
    this.#legacy = `slotcast.mine.${calendar}`;
  }

  close(): void {
    this.#store.close();
  }

  get holds(): readonly MyHold[] {
    return this.#allHolds.filter((hold) => !this.#lapsed.has(hold.id));
  }

  get #allHolds(): readonly MyHold[] {
    return byStart(this.#store.all<MyHold>("hold")).map((hold) => {
      const wish = this.#store.get<BookingRequest>("wish", hold.id);
      return wish === undefined ? hold : { ...hold, wish };
    });
  }

  get bookings(): readonly MyBooking[] {
    return byStart(this.#store.all<MyBooking>("booking"));
  }

  /** Bookings that a link named and the server was not asked about yet. */
  get proofs(): readonly Proof[] {
    return this.#store.all<Proof>("proof");
  }

  get pendingRequests(): readonly PendingRequest[] {
    return byStart(this.#store.all<PendingRequest>("errand"));
  }

  markOf(slot: string): Mark | undefined {
    const hold = this.holds.find((one) => one.slot === slot);
    if (hold !== undefined) return { kind: "hold", until: Date.parse(hold.expires_at) };
    const booking = this.bookings.find((one) => one.slot === slot && isStanding(one.status));
    return booking && { kind: "booking", status: booking.status };
  }

  /** The later of two ends is the newer: another tab may have asked for more time. */
  keepHold(hold: Hold, { start, end }: Pick<Slot, "start" | "end">): void {
    const { id, slot, seats, token } = hold;
    const known = this.#store.get<MyHold>("hold", id)?.expires_at ?? hold.expires_at;
    const isOlder = Date.parse(hold.expires_at) < Date.parse(known);
    const expires_at = isOlder ? known : hold.expires_at;
    this.#lapsed.delete(id);
    this.#store.put("hold", id, { id, slot, seats, expires_at, token, start, end });
  }

  keepWish(id: string, wish: BookingRequest): void {
    this.#store.put("wish", id, wish);
  }

  dropHold(id: string): void {
    this.#store.drop("wish", id);
    this.#store.drop("hold", id);
  }

  keepBooking(booking: Booking, slot: Pick<Slot, "start" | "end">): void {
    const { start, end } = slot;
    const { id, calendar, seats, status, token } = booking;
    const kept = { id, calendar, slot: booking.slot, seats, status, token, start, end };
    this.#store.put("booking", id, kept);
    this.#store.drop("proof", id);
  }

  /** It stays, with its token: only the visitor removes it. */
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
    this.#store.put("errand", pending.key, pending);
  }

  dropPending(key: string): void {
    this.#store.drop("errand", key);
  }

  hasPending(key: string): boolean {
    return this.#store.get("errand", key) !== undefined;
  }

  /** Lets go of what is over by the server's clock, and gives back the holds that lapsed just now.
   * One that something is still being asked about stays. */
  prune(now: number): readonly MyHold[] {
    const asked = new Set(this.pendingRequests.map((pending) => pending.hold?.id));
    const lapsed: MyHold[] = [];
    for (const hold of this.#allHolds) {
      const over_ms = now - Date.parse(hold.expires_at);
      if (over_ms < 0 || asked.has(hold.id)) this.#lapsed.delete(hold.id);
      else if (over_ms > KEEP_HOLD_MS) this.dropHold(hold.id);
      else if (!this.#lapsed.has(hold.id)) {
        this.#lapsed.add(hold.id);
        lapsed.push(hold);
      }
    }
    for (const booking of this.bookings) {
      if (Date.parse(booking.end) + KEEP_MS <= now) this.dropBooking(booking.id);
    }
    return lapsed;
  }

  /** What an earlier version kept for this calendar, on whichever server. */
  get legacy(): Legacy {
    try {
      const kept = JSON.parse(localStorage.getItem(this.#legacy) ?? "null") as Partial<Legacy>;
      const list = <Entry>(entries: readonly Entry[] | undefined) =>
        Array.isArray(entries) ? entries : [];
      return {
        holds: list(kept.holds),
        bookings: list(kept.bookings),
        proofs: list(kept.proofs),
      };
    } catch {
      return { holds: [], bookings: [], proofs: [] };
    }
  }

  /** What is taken over stands under this server from now on, and no longer there. */
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
      else localStorage.setItem(this.#legacy, JSON.stringify(rest));
    } catch {
      // Then it is taken over again, which changes nothing.
    }
  }
}

const byStart = <Entry extends { readonly start: string }>(entries: readonly Entry[]): Entry[] =>
  [...entries].sort((a, b) => a.start.localeCompare(b.start));

export const isStanding = (status: BookingStatus): boolean =>
  status === "pending" || status === "confirmed";
