/** The requests that wait for an answer, of all calendars of the token.
 *
 * The first read goes through all pages. Later reads ask for what has changed since, which the
 * server finds by an index. The changes of the shown calendar arrive by themselves. */

import type { BookingSearch, BookingsAnswer, ListedBooking, StaffBooking } from "../../client";

const MOST_PAGES = 50;
const PAGE = 500;
/** A transaction may end some seconds after its time. */
const OVERLAP_MS = 60_000;

export type WaitingBooking = ListedBooking;

/** The last version seen. It counts within a calendar, and a booking may move to another one. */
interface Known {
  readonly calendar: string;
  readonly version: number;
}

export interface InboxParts {
  find(search: BookingSearch): Promise<BookingsAnswer>;
  now(): number;
  /** Called after each change. `fresh` are the requests that have just come. */
  changed(fresh: readonly WaitingBooking[]): void;
}

export class Inbox {
  readonly #parts: InboxParts;
  readonly #waiting = new Map<string, WaitingBooking>();
  readonly #known = new Map<string, Known>();
  #since: number | undefined;
  #isReading = false;

  constructor(parts: InboxParts) {
    this.#parts = parts;
  }

  /** By start. A request whose time has begun is over. */
  get waiting(): readonly WaitingBooking[] {
    const now = this.#parts.now();
    return [...this.#waiting.values()]
      .filter(({ start, slot_removed }) => Date.parse(start) > now && !slot_removed)
      .sort((a, b) => Date.parse(a.start) - Date.parse(b.start) || (a.id < b.id ? -1 : 1));
  }

  /** Reads what has changed. A read under way is not repeated. */
  async refresh(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      const isFirst = this.#since === undefined;
      const began = this.#parts.now();
      const search: BookingSearch = isFirst
        ? { status: "pending", from: new Date(began).toISOString() }
        : { updated_after: new Date((this.#since ?? 0) - OVERLAP_MS).toISOString() };
      const found = await this.#readAll(search);
      this.#since = began;
      const fresh = found.filter((booking) => this.#take(booking));
      this.#parts.changed(isFirst ? [] : fresh);
    } finally {
      this.#isReading = false;
    }
  }

  /** Drops the requests that a change of the shown calendar has answered. */
  take(bookings: readonly StaffBooking[]): void {
    let isChanged = false;
    let hasNew = false;
    for (const booking of bookings) {
      const { id, status } = booking;
      const isWaiting = this.#waiting.has(id);
      if (status === "pending") hasNew ||= !isWaiting;
      else if (isWaiting && !this.#isOlder(booking)) {
        this.#waiting.delete(id);
        this.#keep(booking);
        isChanged = true;
      }
    }
    if (isChanged) this.#parts.changed([]);
    if (hasNew) void this.refresh().catch(() => {});
  }

  /** Returns whether it is a new request. */
  #take(booking: WaitingBooking): boolean {
    const { id, status } = booking;
    if (this.#isOlder(booking)) return false;
    const isPending = status === "pending";
    const isNew = isPending && !this.#waiting.has(id);
    if (isPending) this.#waiting.set(id, booking);
    else this.#waiting.delete(id);
    if (isPending || this.#known.has(id)) this.#keep(booking);
    return isNew;
  }

  #isOlder({ id, calendar, version }: StaffBooking): boolean {
    const known = this.#known.get(id);
    return known?.calendar === calendar && version < known.version;
  }

  #keep({ id, calendar, version }: StaffBooking): void {
    this.#known.set(id, { calendar, version });
  }

  async #readAll(search: BookingSearch): Promise<readonly ListedBooking[]> {
    const found: ListedBooking[] = [];
    let page: string | undefined;
    for (let count = 0; count < MOST_PAGES; count += 1) {
      const answer = await this.#parts.find({ ...search, limit: PAGE, ...(page && { page }) });
      found.push(...answer.bookings);
      page = answer.next_page;
      if (page === undefined) break;
    }
    return found;
  }
}
