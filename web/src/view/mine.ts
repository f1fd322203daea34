/** The visitor's own holds and bookings on one calendar, kept in this browser with the tokens
 * that prove them. Other tabs of the same browser see them too. */

import type { Booking, BookingStatus, Customer, Hold, Proof, Slot } from "../client";

/** What was asked to be booked, and the key for asking it again: an answer that was lost, with
 * the connection or with the page, comes to whoever has the key. */
export interface Wish {
  readonly key: string;
  readonly customer: Customer;
  readonly seats: number;
}

export interface MyHold extends Hold {
  readonly start: string;
  readonly end: string;
  readonly wish?: Wish;
}

/** `start` and `end` are empty while it is not known when its slot is. */
export interface MyBooking extends Booking {
  readonly start: string;
  readonly end: string;
}

export type Mark =
  | { readonly kind: "hold"; readonly until: number }
  | { readonly kind: "booking"; readonly status: BookingStatus };

interface Kept {
  readonly holds: readonly MyHold[];
  readonly bookings: readonly MyBooking[];
  /** Bookings that a link named and the server was not asked about yet. */
  readonly proofs?: readonly Proof[];
}

const NOTHING: Kept = { holds: [], bookings: [] };
/** A booking stays listed for a day after its end. */
const KEEP_MS = 86_400_000;

export class Mine {
  readonly #key: string;
  readonly #changed: () => void;
  #kept: Kept = NOTHING;

  constructor(calendar: string, changed: () => void) {
    this.#key = `slotcast.mine.${calendar}`;
    this.#changed = changed;
    this.#kept = this.#load();
    window.addEventListener("storage", this.#onStorage);
  }

  close(): void {
    window.removeEventListener("storage", this.#onStorage);
  }

  readonly #onStorage = (event: StorageEvent): void => {
    if (event.key !== this.#key) return;
    this.#kept = this.#load();
    this.#changed();
  };

  get holds(): readonly MyHold[] {
    return this.#kept.holds;
  }

  get bookings(): readonly MyBooking[] {
    return this.#kept.bookings;
  }

  get proofs(): readonly Proof[] {
    return this.#kept.proofs ?? [];
  }

  markOf(slot: string): Mark | undefined {
    const hold = this.holds.find((one) => one.slot === slot);
    if (hold !== undefined) return { kind: "hold", until: Date.parse(hold.expires_at) };
    const booking = this.bookings.find((one) => one.slot === slot && isStanding(one.status));
    return booking && { kind: "booking", status: booking.status };
  }

  keepHold(hold: Hold, slot: Pick<Slot, "start" | "end">): void {
    const others = this.holds.filter((one) => one.id !== hold.id);
    const { start, end } = slot;
    this.#save({ ...this.#kept, holds: [...others, { ...hold, start, end }] });
  }

  keepWish(id: string, wish: Wish): void {
    const holds = this.holds.map((hold) => (hold.id === id ? { ...hold, wish } : hold));
    this.#save({ ...this.#kept, holds });
  }

  dropHold(id: string): void {
    this.#save({ ...this.#kept, holds: this.holds.filter((one) => one.id !== id) });
  }

  keepBooking(booking: Booking, slot: Pick<Slot, "start" | "end">): void {
    const others = this.bookings.filter((one) => one.id !== booking.id);
    const { start, end } = slot;
    const { id, calendar, seats, status, token } = booking;
    const kept = { id, calendar, slot: booking.slot, seats, status, token, start, end };
    const bookings = [...others, kept];
    bookings.sort((a, b) => a.start.localeCompare(b.start));
    const proofs = this.proofs.filter((one) => one.id !== id);
    this.#save({ ...this.#kept, bookings, proofs });
  }

  keepProof(proof: Proof): void {
    const others = this.proofs.filter((one) => one.id !== proof.id);
    this.#save({ ...this.#kept, proofs: [...others, proof] });
  }

  dropProof(id: string): void {
    this.#save({ ...this.#kept, proofs: this.proofs.filter((one) => one.id !== id) });
  }

  dropBooking(id: string): void {
    this.#save({ ...this.#kept, bookings: this.bookings.filter((one) => one.id !== id) });
  }

  /** Lets go of what is over by the server's clock, and gives back the holds that lapsed. */
  prune(now: number): readonly MyHold[] {
    const lapsed = this.holds.filter((hold) => Date.parse(hold.expires_at) <= now);
    const bookings = this.bookings.filter((one) => !(Date.parse(one.end) + KEEP_MS <= now));
    if (lapsed.length > 0 || bookings.length < this.bookings.length) {
      const holds = this.holds.filter((hold) => !lapsed.includes(hold));
      this.#save({ ...this.#kept, holds, bookings });
    }
    return lapsed;
  }

  #load(): Kept {
    try {
      const kept = JSON.parse(localStorage.getItem(this.#key) ?? "null") as Kept | null;
      return kept !== null && Array.isArray(kept.holds) && Array.isArray(kept.bookings)
        ? kept
        : NOTHING;
    } catch {
      return NOTHING;
    }
  }

  #save(kept: Kept): void {
    this.#kept = kept;
    try {
      localStorage.setItem(this.#key, JSON.stringify(kept));
    } catch {
      // Storage may be full or forbidden; then it lasts as long as the page.
    }
    this.#changed();
  }
}

export const isStanding = (status: BookingStatus): boolean =>
  status === "pending" || status === "confirmed";
