/** The client of a visitor: one connection, and the calendars over it. */

import { Calendar } from "./calendar.ts";
import { Connection } from "./connection/connection.ts";
import type { ConnectionSetting } from "./connection/connection_setting.ts";
import { RequestClient } from "./request_client.ts";
import { listCalendars, type ListOptions } from "./list.ts";
import { findSlots, type SlotSearch } from "./search.ts";
import { tabStorage } from "./storage.ts";
import type { Status } from "./transports/state.ts";
import type { Answers, CalendarInfo, Fields, FoundSlotsAnswer } from "./wire.ts";

export type ConnectOptions = Omit<ConnectionSetting, "isStaff" | "open">;

export class Client<Kind extends Calendar> {
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
    const { storage = tabStorage(), isStaff } = setting;
    const item = `slotcast.commands.${isStaff ? "staff." : ""}${this.#connection.base.href}`;
    this.requests = new RequestClient(this.#connection, storage ?? undefined, item);
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

export function connect(url: string | URL, options: ConnectOptions = {}): SlotcastClient {
  return new Client(url, options, (...parts) => new Calendar(...parts));
}
