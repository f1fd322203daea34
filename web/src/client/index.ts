/** Slotcast's client: calendars of bookable time slots, live.
 *
 *     const client = connect("https://book.example.org");
 *     const calendar = client.calendar("demo");
 *     calendar.subscribe(() => render(calendar.slots));
 *     const hold = await calendar.hold(slot.id);
 *     const booking = await calendar.book(slot.id, { hold, customer: { name: "Ada" } });
 */

import { Calendar } from "./calendar.ts";
import { Connection, type ConnectionSetting } from "./connection/connection.ts";
import { RequestClient } from "./request_client.ts";
import { listCalendars } from "./list.ts";
import { StaffCalendar } from "./staff.ts";
import type { Status } from "./transports/state.ts";
import type { Answers, CalendarInfo, Fields } from "./wire.ts";

export type ConnectOptions = Omit<ConnectionSetting, "isStaff" | "open">;

class Client<Kind extends Calendar> {
  readonly #connection: Connection;
  readonly #requests: RequestClient;
  readonly #calendars = new Map<string, Kind>();
  readonly #make: (id: string, connection: Connection, requests: RequestClient) => Kind;

  constructor(
    url: string | URL,
    setting: ConnectionSetting,
    make: (id: string, connection: Connection, requests: RequestClient) => Kind,
  ) {
    const here = typeof location === "undefined" ? undefined : location.href;
    this.#connection = new Connection(new URL(url, here), setting);
    this.#requests = new RequestClient(this.#connection);
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
  async calendars(): Promise<readonly CalendarInfo[]> {
    return listCalendars(this.#connection.base, await this.#connection.token());
  }

  /** Sends a command by its name on the wire. It gets a key unless `fields` has one. */
  mutate<Name extends keyof Answers>(name: Name, fields: Fields): Promise<Answers[Name]> {
    return this.#requests.mutate(name, fields);
  }

  /** Subscribes to a calendar. The same id returns the same object. */
  calendar(id: string): Kind {
    const known = this.#calendars.get(id);
    if (known !== undefined) return known;
    const made = this.#make(id, this.#connection, this.#requests);
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
export type StaffClient = Client<StaffCalendar>;

export function connect(url: string | URL, options: ConnectOptions = {}): SlotcastClient {
  return new Client(url, options, (...parts) => new Calendar(...parts));
}

/** The token must have the scope `staff`. */
export function connectStaff(url: string | URL, options: ConnectOptions): StaffClient {
  const setting = { ...options, isStaff: true };
  return new Client(url, setting, (...parts) => new StaffCalendar(...parts));
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
export { listCalendars } from "./list.ts";
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
