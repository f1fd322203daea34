/** Slotcast's client: calendars of bookable time slots, live.
 *
 *     const client = connect("https://book.example.org");
 *     const calendar = client.calendar("demo");
 *     calendar.subscribe(() => render(calendar.slots));
 *     const hold = await calendar.hold(slot.id);
 *     const booking = await calendar.book(slot.id, { hold, customer: { name: "Ada" } });
 */

import { Calendar } from "./calendar.ts";
import { Connection } from "./connection/connection.ts";
import type { ConnectionSetting } from "./connection/connection_setting.ts";
import { RequestClient } from "./request_client.ts";
import { listCalendars, type ListOptions } from "./list.ts";
import {
  type BookingSearch,
  eraseCustomer,
  findBookings,
  findSlots,
  type SlotSearch,
} from "./search.ts";
import { StaffCalendar } from "./staff.ts";
import type { Status } from "./transports/state.ts";
import type { Answers, BookingsAnswer, CalendarInfo, Fields, FoundSlotsAnswer } from "./wire.ts";

export type ConnectOptions = Omit<ConnectionSetting, "isStaff" | "open">;

class Client<Kind extends Calendar> {
  readonly #connection: Connection;
  protected readonly requests: RequestClient;
  readonly #calendars = new Map<string, Kind>();
  readonly #make: (id: string, connection: Connection, requests: RequestClient) => Kind;

  constructor(
    url: string | URL,
    setting: ConnectionSetting,
    make: (id: string, connection: Connection, requests: RequestClient) => Kind,
  ) {
    const here = typeof location === "undefined" ? undefined : location.href;
    this.#connection = new Connection(new URL(url, here), setting);
    this.requests = new RequestClient(this.#connection);
    this.#make = make;
  }

  /** The state of the connection, its reason, and the live transport. */
  get status(): Status {
    return this.#connection.status;
  }

  /** The error of a connection with a final refusal. */
  get refusal() {
    return this.#connection.refusal;
  }

  get hasToken(): boolean {
    return this.#connection.hasToken;
  }

  /** The server's now, in epoch milliseconds. */
  now(): number {
    return this.#connection.clock.now();
  }

  onStatus(listener: (status: Status) => void): () => void {
    return this.#connection.listen(listener);
  }

  /** Lists the calendars that this client may see. */
  async calendars(options: ListOptions = {}): Promise<readonly CalendarInfo[]> {
    return listCalendars(this.#connection.base, await this.#connection.token(), options);
  }

  /** Reads one page of the slots of several calendars, by start. */
  findSlots(search: SlotSearch): Promise<FoundSlotsAnswer> {
    return findSlots(this.requests, search);
  }

  /** Sends a command by its name on the wire. It gets a key unless `fields` has one. */
  mutate<Name extends keyof Answers>(name: Name, fields: Fields): Promise<Answers[Name]> {
    return this.requests.mutate(name, fields);
  }

  /** Subscribes to a calendar. The same id returns the same object. */
  calendar(id: string): Kind {
    const known = this.#calendars.get(id);
    if (known !== undefined) return known;
    const made = this.#make(id, this.#connection, this.requests);
    this.#calendars.set(id, made);
    return made;
  }

  /** Ends the subscription to a calendar. */
  leave(id: string): void {
    this.#calendars.get(id)?.dispose();
    this.#calendars.delete(id);
  }

  close(): void {
    for (const id of [...this.#calendars.keys()]) this.leave(id);
    this.#connection.close();
  }
}

export type SlotcastClient = Client<Calendar>;

export class StaffClient extends Client<StaffCalendar> {
  /** Reads one page of the bookings of all calendars of the token, the latest made first. */
  findBookings(search: BookingSearch = {}): Promise<BookingsAnswer> {
    return findBookings(this.requests, search);
  }

  /** Erases the customer of every booking with this e-mail address, in all calendars of the token.
   * Resolves with the number of bookings. */
  eraseCustomer(email: string): Promise<number> {
    return eraseCustomer(this.requests, email);
  }
}

export function connect(url: string | URL, options: ConnectOptions = {}): SlotcastClient {
  return new Client(url, options, (...parts) => new Calendar(...parts));
}

/** The token must have the scope `staff`. */
export function connectStaff(url: string | URL, options: ConnectOptions): StaffClient {
  const setting = { ...options, isStaff: true };
  return new StaffClient(url, setting, (...parts) => new StaffCalendar(...parts));
}

export type {
  BookOptions,
  Calendar,
  CalendarEvent,
  CalendarListener,
  KeyOption,
  OwnBooking,
  Proof,
} from "./calendar.ts";
export type { Token } from "./connection/token.ts";
export { type ErrorCode, SlotcastError } from "./error.ts";
export { newKey } from "./key.ts";
export { listCalendars, type ListOptions } from "./list.ts";
export type { BookingSearch, SlotSearch } from "./search.ts";
export { MOST_SLOTS } from "./staff.ts";
export type { HistoryPage, NewSlot, SlotEdit, StaffCalendar } from "./staff.ts";
export {
  REASONS,
  type Reason,
  type State,
  type Status,
  type Transport,
} from "./transports/state.ts";
export type * from "./wire.ts";
