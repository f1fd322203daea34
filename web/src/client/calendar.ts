/** One live calendar: its slots, its changes, and the commands of a visitor. */

import { delay_ms } from "./connection/backoff.ts";
import type { Connection } from "./connection/connection.ts";
import type { Subscriber } from "./connection/subscribers.ts";
import type { RequestClient } from "./request_client.ts";
import type { SlotcastError } from "./error.ts";
import type { Delivery, Position } from "./transports/link.ts";
import { Replica } from "./replica/replica.ts";
import { BookingReplica } from "./replica/booking_replica.ts";
import { SLOTS, SNAPSHOT } from "./shape.ts";
import type { Answers, Booking, CalendarInfo, Change, Customer, Fields, Hold } from "./wire.ts";
import type {
  Offset,
  RescheduledAnswer,
  Slot,
  Snapshot,
  StaffBooking,
  SentCodeAnswer,
  VerifiedAnswer,
} from "./wire.ts";

/** About the wait before a refused calendar is asked for again; it doubles up to a minute. */
const REFUSED_MS = 4_000;

export type CalendarEvent =
  /** A snapshot has replaced everything: draw anew. */
  | { readonly kind: "snapshot" }
  /** One change was applied, exactly once and in order. */
  | { readonly kind: "change"; readonly change: Change }
  /** The server refuses this calendar. */
  | { readonly kind: "refused"; readonly error: SlotcastError };

export type CalendarListener = (event: CalendarEvent) => void;

/** The proof of the right to a hold or a booking. */
export interface Proof {
  readonly id: string;
  readonly token: string;
}

export interface BookOptions {
  readonly customer: Customer;
  readonly seats?: number;
  readonly hold?: Proof;
  /** For staff and the customer. The answers to the calendar's questions are in `answers`. */
  readonly data?: Readonly<Record<string, unknown>>;
  /** Book without the hold if it has expired. */
  readonly if_still_free?: boolean;
  /** The language of a mail with a code, as a BCP 47 tag. */
  readonly language?: string;
  readonly key?: string;
}

/** The key of an earlier try without an answer. */
export interface KeyOption {
  readonly key?: string;
}

/** A booking with its customer, as its holder reads it. */
export type OwnBooking = Booking & StaffBooking;

export class Calendar implements Subscriber {
  readonly id: string;
  readonly #connection: Connection;
  protected readonly requests: RequestClient;
  readonly #replica = new Replica();
  readonly #bookings = new BookingReplica();
  readonly #listeners = new Set<CalendarListener>();
  #window: { readonly from?: string; readonly to?: string } = {};
  #awaited: "cursor" | "snapshot" | undefined = "snapshot";
  #refusal: SlotcastError | undefined;
  #refusals = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  /** The cursor of the last answered command. */
  #answered: string | undefined;

  constructor(id: string, connection: Connection, requests: RequestClient) {
    this.id = id;
    this.#connection = connection;
    this.requests = requests;
    connection.subscribe(id, this);
  }

  protected get path(): string {
    return `/calendars/${encodeURIComponent(this.id)}`;
  }

  /** Sorted by time; the same array until something changes. */
  get slots(): readonly Slot[] {
    return this.#replica.slots;
  }

  get info(): CalendarInfo | undefined {
    return this.#replica.info;
  }

  /** The last change applied; -1 before the first snapshot. */
  get seq(): number {
    return this.#replica.seq;
  }

  get cursor(): string | undefined {
    return this.#replica.cursor;
  }

  /** The window of `slots`, half-open. */
  get covered(): { readonly from: string; readonly to: string } {
    return this.#replica.window;
  }

  /** The offsets from UTC of the calendar's zone in the window, by the server's zone data. */
  get offsets(): readonly Offset[] {
    return this.#replica.offsets;
  }

  /** Only for staff. */
  get bookings(): readonly StaffBooking[] {
    return this.#bookings.all;
  }

  get isLoaded(): boolean {
    return !this.#replica.isEmpty;
  }

  get refusal(): SlotcastError | undefined {
    return this.#refusal;
  }

  slot(id: string): Slot | undefined {
    return this.#replica.slot(id);
  }

  subscribe(listener: CalendarListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Subscribes to another window. A `snapshot` event follows. */
  window(from: string | undefined, to: string | undefined): void {
    this.#window = { ...(from && { from }), ...(to && { to }) };
    this.#resubscribe("snapshot");
  }

  /** Reads the first snapshot over HTTP, while the connection opens: the slots are there after one round
   * trip. The connection goes on from its cursor, and brings a snapshot where this one fails. */
  async readAhead(): Promise<void> {
    const window = this.#window;
    const { clock } = this.#connection;
    const sent = clock.local();
    try {
      const said = await this.requests.fetch(`${this.path}/slots`, SNAPSHOT, { ...window });
      const snapshot = said as unknown as Snapshot;
      const isLate = this.isLoaded || this.#refusal !== undefined || this.#window !== window;
      if (isLate) return;
      clock.observe(snapshot.server_time, sent, clock.local());
      this.deliver({ kind: "snapshot", snapshot });
    } catch {
      // The connection says why.
    }
  }

  /** Reads another window once. `slots` stays as it is. */
  async look(from: string, to: string): Promise<Pick<Snapshot, "slots" | "from" | "to">> {
    const query = { from, to, ...(this.#ahead !== undefined && { after: this.#ahead }) };
    return (await this.requests.fetch(`${this.path}/slots`, SLOTS, query)) as unknown as Snapshot;
  }

  /** Ends the subscription and drops every listener. The calendar itself stays as it is. */
  dispose(): void {
    clearTimeout(this.#retry);
    this.#connection.unsubscribe(this.id);
    this.#listeners.clear();
  }

  /** @deprecated Use `dispose`. */
  close(): void {
    this.dispose();
  }

  async hold(slot: string, options: KeyOption & { seats?: number } = {}): Promise<Hold> {
    return (await this.command("slot.hold", { slot, ...options })).hold;
  }

  async extend(hold: Proof, options: KeyOption = {}): Promise<Hold> {
    const fields = { hold: hold.id, token: hold.token, ...options };
    return (await this.command("hold.extend", fields)).hold;
  }

  async release(hold: Proof, options: KeyOption = {}): Promise<void> {
    await this.command("hold.release", { hold: hold.id, token: hold.token, ...options });
  }

  async book(slot: string, options: BookOptions): Promise<Booking> {
    const { hold, ...rest } = options;
    const proof = hold && { hold: { id: hold.id, token: hold.token } };
    return (await this.command("slot.book", { slot, ...proof, ...rest })).booking;
  }

  /** Sends the code that the customer was mailed. Resolves with the tries left after a wrong one. */
  async verify({ id, token }: Proof, code: string): Promise<VerifiedAnswer> {
    return this.command("booking.verify", { booking: id, token, code });
  }

  /** Asks for the mail with the code once more. Resolves with the mails left and the pause before. */
  async sendCode(
    { id, token }: Proof,
    options: KeyOption & { readonly language?: string } = {},
  ): Promise<SentCodeAnswer> {
    return this.command("booking.send_code", { booking: id, token, ...options });
  }

  async booking({ id, token }: Proof): Promise<OwnBooking> {
    const { booking } = await this.requests.read("booking.get", { booking: id, token });
    return { ...booking, token };
  }

  /** Reads the booking as an iCalendar file. It has neither the customer nor the token. */
  bookingFile({ id, token }: Proof): Promise<string> {
    return this.requests.fetchBookingFile(id, token);
  }

  async cancel({ id, token }: Proof, options: KeyOption = {}): Promise<Booking> {
    const fields = { booking: id, token, ...options };
    const { booking } = await this.command("booking.cancel", fields);
    return { ...booking, token };
  }

  async reschedule(
    { id, token }: Proof,
    slot: string,
    hold?: Proof,
    options: KeyOption = {},
  ): Promise<Booking> {
    const proof = hold && { hold: { id: hold.id, token: hold.token } };
    const fields = { booking: id, token, slot, ...proof, ...options };
    const { booking } = await this.command("booking.reschedule", fields);
    return { ...booking, token };
  }

  /** Sends a command and keeps the cursor of the answer. Another server may still be behind it. */
  protected async command<Name extends keyof Answers>(
    name: Name,
    fields: Fields,
  ): Promise<Answers[Name]> {
    const answer = await this.requests.mutate(name, fields);
    const { cursor, booking, left } = answer as Partial<RescheduledAnswer>;
    const isHere = (booking?.calendar ?? this.id) === this.id;
    this.#answered = (isHere ? cursor : left?.cursor) ?? this.#answered;
    return answer;
  }

  /** The cursor of the last answered command, unless the changes have reached it. */
  get #ahead(): string | undefined {
    const cursor = this.#answered;
    return cursor !== undefined && Number.parseInt(cursor, 10) > this.seq ? cursor : undefined;
  }

  /** Returns the position of the subscription, for the connection. */
  position(): Position {
    const after = this.#awaited === "snapshot" ? undefined : this.#replica.cursor;
    const at_least = this.#ahead;
    return {
      ...(after !== undefined && { after }),
      ...(at_least !== undefined && { at_least }),
      ...this.#window,
    };
  }

  /** Takes a delivery of the connection. */
  deliver(delivery: Delivery): void {
    if (delivery.kind === "change") {
      if (this.#apply(delivery.change) === "gap" && this.#awaited === undefined) {
        this.#resubscribe("cursor");
      }
    } else if (delivery.kind === "snapshot") {
      if (this.#isHere(delivery.snapshot)) return;
      this.#awaited = undefined;
      this.#refusal = undefined;
      this.#refusals = 0;
      this.#replica.applySnapshot(delivery.snapshot);
      this.#bookings.applySnapshot(delivery.snapshot.bookings ?? []);
      this.#emit({ kind: "snapshot" });
    } else if (delivery.kind === "resumed") {
      this.#resume(delivery.resumption.changes);
    } else {
      this.#refusal = delivery.error;
      this.#askAgain();
      this.#emit({ kind: "refused", error: delivery.error });
    }
  }

  /** Whether the snapshot is the one applied already: the connection had asked for it before the answer over HTTP
   * came. One for staff has bookings, and that answer had none. */
  #isHere({ cursor, bookings }: Snapshot): boolean {
    const isAsked = this.#awaited !== undefined || this.#refusal !== undefined;
    return !isAsked && bookings === undefined && cursor === this.cursor;
  }

  /** A refused calendar may come into being, or become public. */
  #askAgain(): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(
      () => this.#connection.resubscribe(this.id),
      REFUSED_MS / 2 + delay_ms({ first_ms: REFUSED_MS, most_ms: 60_000 }, this.#refusals),
    );
    this.#refusals += 1;
  }

  #resume(changes: readonly Change[]): void {
    // The answer is late: the application has asked for another window.
    if (this.#awaited === "snapshot") return;
    this.#awaited = undefined;
    this.#refusal = undefined;
    // The same replay would have the same gap.
    for (const change of changes) {
      if (this.#apply(change) === "gap") {
        this.#resubscribe("snapshot");
        return;
      }
    }
  }

  #apply(change: Change): "applied" | "dropped" | "gap" {
    const zone = this.info?.zone;
    const verdict = this.#replica.apply(change);
    if (verdict === "applied") {
      // The offsets of another zone come with a snapshot.
      if (this.info?.zone !== zone) this.#resubscribe("snapshot");
      this.#bookings.apply(change.bookings ?? []);
      this.#bookings.drop(change.bookings_gone ?? []);
      this.#emit({ kind: "change", change });
    }
    return verdict;
  }

  #resubscribe(what: "cursor" | "snapshot"): void {
    this.#awaited = what;
    this.#connection.resubscribe(this.id);
  }

  #emit(event: CalendarEvent): void {
    for (const listener of [...this.#listeners]) listener(event);
  }
}
