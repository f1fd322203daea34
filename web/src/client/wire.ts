/** The wire's things, named as docs/protocol.md names them. Times are RFC 3339 UTC. */

export type SlotStatus = "open" | "held" | "booked" | "closed";

export interface Slot {
  readonly id: string;
  readonly start: string;
  readonly end: string;
  readonly capacity: number;
  readonly held: number;
  /** When the first hold on it lapses. */
  readonly held_until?: string | null;
  readonly remaining: number;
  readonly status: SlotStatus;
  /** Open and not blocked by a neighbour; notice and horizon are the policy's. */
  readonly bookable: boolean;
  /** The `seq` of its last change. */
  readonly version: number;
  readonly data?: unknown;
}

/** Durations are in seconds. */
export interface Policy {
  readonly hold_seconds: number;
  readonly min_notice: number;
  readonly max_advance: number | null;
  readonly cancel_notice: number;
  readonly buffer_before: number;
  readonly buffer_after: number;
  readonly overlap: "allow" | "reject";
  readonly max_holds: number;
  readonly confirmation: "none" | "staff";
}

export interface CalendarInfo {
  readonly id: string;
  readonly name: string;
  readonly zone: string;
  readonly visibility: "public" | "private";
  readonly booking: "anyone" | "token";
  readonly policy: Policy;
  readonly archived: boolean;
}

export type BookingStatus = "pending" | "confirmed" | "cancelled" | "rejected" | "no_show";

export interface Customer {
  readonly name: string;
  readonly email?: string | null;
  readonly phone?: string | null;
  readonly note?: string | null;
}

/** What the one who booked is told. The token is the proof that it is theirs. */
export interface Booking {
  readonly id: string;
  readonly calendar: string;
  readonly slot: string;
  readonly seats: number;
  readonly status: BookingStatus;
  readonly token: string;
}

/** What staff see of a booking. */
export interface StaffBooking {
  readonly id: string;
  readonly calendar: string;
  readonly slot: string;
  readonly seats: number;
  readonly status: BookingStatus;
  readonly customer: Customer | null;
  readonly created_at: string;
  readonly version: number;
}

export interface Hold {
  readonly id: string;
  readonly token: string;
  readonly slot: string;
  readonly seats: number;
  readonly expires_at: string;
}

export interface Change {
  readonly calendar: string;
  readonly seq: number;
  readonly prev: number;
  readonly cursor: string;
  readonly at: string;
  readonly type: string;
  readonly slots: readonly Slot[];
  readonly removed: readonly string[];
  readonly info?: CalendarInfo | null;
  readonly tx?: string | null;
  /** Only in the staff namespace. */
  readonly bookings?: readonly StaffBooking[];
}

export interface Snapshot {
  readonly info: CalendarInfo;
  readonly slots: readonly Slot[];
  readonly seq: number;
  readonly cursor: string;
  readonly from: string;
  readonly to: string;
  readonly server_time: string;
  readonly bookings?: readonly StaffBooking[];
}

export interface Resumption {
  readonly info: CalendarInfo;
  readonly changes: readonly Change[];
  readonly seq: number;
  readonly cursor: string;
  readonly server_time: string;
}

export type SubscribeAnswer =
  ({ readonly mode: "snapshot" } & Snapshot) | ({ readonly mode: "resumed" } & Resumption);

export type Fields = Readonly<Record<string, unknown>>;
