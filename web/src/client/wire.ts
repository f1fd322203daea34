/** Made by `python -m tests.docs.generate` from the types that the server reads and writes.
 *
 * Times are RFC 3339 in UTC; docs/protocol.md says what everything means. */

export type SlotStatus = "booked" | "closed" | "held" | "open";

export type BookingStatus = "cancelled" | "confirmed" | "no_show" | "pending" | "rejected";

export type ChangeType =
  | "slot.opened"
  | "slot.held"
  | "slot.released"
  | "slot.expired"
  | "slot.booked"
  | "slot.cancelled"
  | "slot.rescheduled"
  | "slot.updated"
  | "slot.closed"
  | "slot.reopened"
  | "slot.removed"
  | "schedule.changed"
  | "booking.updated"
  | "calendar.updated"
  | "calendar.archived"
  | "calendar.restored";

export type RequestName =
  | "calendar.subscribe"
  | "calendar.unsubscribe"
  | "auth.refresh"
  | "slot.list"
  | "slot.hold"
  | "hold.extend"
  | "hold.release"
  | "slot.book"
  | "booking.send_code"
  | "booking.verify"
  | "booking.get"
  | "booking.cancel"
  | "booking.reschedule"
  | "booking.update";

export type StaffRequestName =
  | "calendar.create"
  | "calendar.update"
  | "calendar.archive"
  | "calendar.restore"
  | "history.list"
  | "calendar.link"
  | "feed.create"
  | "feed.list"
  | "feed.revoke"
  | "busy.add"
  | "busy.list"
  | "busy.remove"
  | "schedule.set"
  | "slot.open"
  | "slot.update"
  | "slot.close"
  | "slot.reopen"
  | "slot.remove"
  | "booking.list"
  | "booking.confirm"
  | "booking.reject"
  | "booking.no_show"
  | "booking.reinstate"
  | "booking.erase"
  | "customer.export"
  | "booking.cancel_all"
  | "customer.erase"
  | "block.add"
  | "block.remove"
  | "block.list"
  | "server.read";

export type ServerErrorCode =
  | "bad_request"
  | "unauthorized"
  | "forbidden"
  | "hold_not_yours"
  | "blocked"
  | "not_found"
  | "slot_unavailable"
  | "capacity_exceeded"
  | "invalid_transition"
  | "limit_exceeded"
  | "already_exists"
  | "cursor_gone"
  | "hold_expired"
  | "version_conflict"
  | "too_soon"
  | "too_far"
  | "outside_cancellation_window"
  | "policy_refused"
  | "idempotency_mismatch"
  | "rate_limited"
  | "unsupported_encoding"
  | "method_not_allowed"
  | "payload_too_large"
  | "internal"
  | "overloaded";

/** A slot as everyone may see it. `version` is the seq of its last change; times are RFC 3339. */
export interface Slot {
  readonly id: string;
  readonly start: string;
  readonly end: string;
  readonly capacity: number;
  readonly held: number;
  readonly held_until?: string;
  readonly remaining: number;
  readonly status: SlotStatus;
  readonly bookable: boolean;
  readonly version: number;
  readonly data?: unknown;
}

/** A question of a calendar to its customers. Without choices the answer is a text. */
export interface Question {
  readonly label: string;
  readonly required: boolean;
  readonly choices: readonly string[];
}

/** A calendar's rules; durations in seconds. The default refuses nothing but the past. */
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
  readonly max_bookings: number | null;
  readonly max_bookings_per_day: number | null;
  readonly pending_seconds: number | null;
  readonly place: string | null;
  readonly phone: "off" | "optional" | "required";
  readonly questions: readonly Question[];
  readonly verification: "email" | "none" | "proof";
}

/** A calendar as its viewers may see it. */
export interface CalendarInfo {
  readonly id: string;
  readonly name: string;
  readonly zone: string;
  readonly visibility: "private" | "public";
  readonly booking: "anyone" | "token";
  readonly policy: Policy;
  readonly archived: boolean;
  readonly data?: unknown;
}

/** The customer of a booking, for staff and for its holder only. */
export interface Customer {
  readonly name: string;
  readonly email?: string;
  readonly phone?: string;
  readonly note?: string;
}

/** A booking as its holder sees it. The token proves the right to it.

    With `verification` the booking waits for the code that its customer was mailed. */
export interface Booking {
  readonly id: string;
  readonly calendar: string;
  readonly slot: string;
  readonly seats: number;
  readonly status: BookingStatus;
  readonly verification?: "email";
  readonly token: string;
}

/** A booking after a request about it. The caller has its token, or needs none. */
export interface BookingOutcome {
  readonly id: string;
  readonly calendar: string;
  readonly slot: string;
  readonly seats: number;
  readonly status: BookingStatus;
}

/** The calendar that a booking has moved away from, and its cursor after it. */
export interface Left {
  readonly calendar: string;
  readonly cursor: string;
}

/** A booking as staff see it, to be upserted by `version`. An erased customer is null.

    `overridden` names the rules that staff passed over for its seats, `expires_at` the end of a pending one. `start`
    and `end` are the times of its slot: in the answer of `booking.get`, and for a removed slot (`slot_removed`). */
export interface StaffBooking {
  readonly id: string;
  readonly calendar: string;
  readonly slot: string;
  readonly seats: number;
  readonly status: BookingStatus;
  readonly customer: Customer | null;
  readonly created_at: string;
  readonly version: number;
  readonly data?: unknown;
  readonly overridden?: readonly string[];
  readonly expires_at?: string;
  readonly start?: string;
  readonly end?: string;
  readonly slot_removed?: boolean;
}

/** A booking of a list, with the times of its slot and of its own last change. */
export interface ListedBooking {
  readonly id: string;
  readonly calendar: string;
  readonly slot: string;
  readonly seats: number;
  readonly status: BookingStatus;
  readonly customer: Customer | null;
  readonly created_at: string;
  readonly version: number;
  readonly data?: unknown;
  readonly overridden?: readonly string[];
  readonly expires_at?: string;
  readonly start: string;
  readonly end: string;
  readonly slot_removed?: boolean;
  readonly updated_at: string;
}

/** A slot with its calendar. */
export interface FoundSlot {
  readonly id: string;
  readonly start: string;
  readonly end: string;
  readonly capacity: number;
  readonly held: number;
  readonly held_until?: string;
  readonly remaining: number;
  readonly status: SlotStatus;
  readonly bookable: boolean;
  readonly version: number;
  readonly data?: unknown;
  readonly calendar: string;
}

/** A hold as its holder sees it. The token proves the right to it. */
export interface Hold {
  readonly id: string;
  readonly slot: string;
  readonly seats: number;
  readonly expires_at: string;
  readonly token: string;
}

/** A released hold. */
export interface EndedHold {
  readonly id: string;
  readonly slot: string;
  readonly seats: number;
  readonly expires_at: string;
}

/** One thing that happened to one calendar, whole. `seq` is gapless within the calendar. */
export interface Change {
  readonly calendar: string;
  readonly seq: number;
  readonly prev: number;
  readonly cursor: string;
  readonly at: string;
  readonly type: string;
  readonly slots: readonly Slot[];
  readonly removed: readonly string[];
  readonly info?: CalendarInfo;
  readonly tx?: string;
  readonly bookings?: readonly StaffBooking[];
  readonly bookings_gone?: readonly string[];
}

/** An offset of a calendar's zone from UTC, and the time from which it holds. */
export interface Offset {
  readonly from: string;
  readonly seconds: number;
}

/** A window of a calendar as of `seq`. It replaces the state of its reader. */
export interface Snapshot {
  readonly info: CalendarInfo;
  readonly slots: readonly Slot[];
  readonly seq: number;
  readonly cursor: string;
  readonly from: string;
  readonly to: string;
  readonly offsets: readonly Offset[];
  readonly server_time: string;
  readonly bookings?: readonly StaffBooking[];
}

/** The changes after a cursor, in order. */
export interface Resumption {
  readonly info: CalendarInfo;
  readonly changes: readonly Change[];
  readonly seq: number;
  readonly cursor: string;
  readonly server_time: string;
}

/** A long poll's answer. `more` says that the next poll returns at once. */
export interface Poll {
  readonly changes: readonly Change[];
  readonly seq: number;
  readonly cursor: string;
  readonly more: boolean;
  readonly server_time: string;
}

/** Hours that recur on `days` or on the dates of `rrule`, within the schedule's dates. */
export interface Window {
  readonly start: string;
  readonly end: string;
  readonly slot_minutes?: number | null;
  readonly step_minutes?: number | null;
  readonly capacity?: number | null;
  readonly data?: unknown;
  readonly days?: readonly ("fri" | "mon" | "sat" | "sun" | "thu" | "tue" | "wed")[];
  readonly rrule?: string;
  readonly from?: string | null;
  readonly until?: string | null;
}

/** Hours of one date, even of a closed date. */
export interface ExtraWindow {
  readonly start: string;
  readonly end: string;
  readonly slot_minutes?: number | null;
  readonly step_minutes?: number | null;
  readonly capacity?: number | null;
  readonly data?: unknown;
  readonly date: string;
}

/** Dates on which no window begins, the last one included. `name` gives staff the reason. */
export interface ClosedRange {
  readonly from: string;
  readonly until: string;
  readonly name?: string | null;
}

/** Opening hours between two dates, both included, cut into slots. `closed` applies to all windows but `extra`. */
export interface Schedule {
  readonly windows: readonly Window[];
  readonly slot_minutes: number;
  readonly step_minutes?: number | null;
  readonly capacity?: number;
  readonly from: string;
  readonly until?: string | null;
  readonly horizon_days?: number;
  readonly closed?: readonly (string | ClosedRange)[];
  readonly extra?: readonly ExtraWindow[];
}

/** A likely mistake: `count` overlapping slots, the first of them from `start` to `end`. */
export interface ScheduleWarning {
  readonly rule: "overlap";
  readonly message: string;
  readonly count: number;
  readonly start: string;
  readonly end: string;
}

/** A private feed. With the scope `bookings` it has the bookings and their customers. */
export interface Feed {
  readonly id: string;
  readonly calendar: string;
  readonly name: string;
  readonly scope: "bookings" | "slots";
  readonly created_at: string;
}

/** A new feed. Only this answer has the token, the `key` of its address. */
export interface OwnFeed {
  readonly id: string;
  readonly calendar: string;
  readonly name: string;
  readonly scope: "bookings" | "slots";
  readonly created_at: string;
  readonly token: string;
}

/** A source of busy times: `host` of its URL, or none for a file. While it fails, its last good copy is in force. */
export interface BusySource {
  readonly id: string;
  readonly calendar: string;
  readonly name: string;
  readonly host?: string;
  readonly created_at: string;
  readonly fetched_at?: string;
  readonly error?: string;
  readonly failing_since?: string;
}

/** A change in the history: `command` by `actor`, about these slots and bookings.

    A `holder` has shown the token of a hold or booking, a `guest` none; `outside` is another program. `sub` is the
    name in the actor's token, and is left out once a customer is erased. `overridden` are the rules passed over.
    `address` is the actor's IP address, for owners and as long as it is kept. */
export interface HistoryEntry {
  readonly seq: number;
  readonly at: string;
  readonly command: string;
  readonly actor: "guest" | "holder" | "outside" | "server" | "staff";
  readonly sub?: string;
  readonly slots: readonly string[];
  readonly bookings: readonly string[];
  readonly overridden?: readonly string[];
  readonly address?: string;
}

/** The personal part of a change of the history that the customer asked for: `sub`, `address`, or both. */
export interface ExportedEntry {
  readonly calendar: string;
  readonly seq: number;
  readonly at: string;
  readonly booking: string;
  readonly sub?: string;
  readonly address?: string;
}

/** A block after a request about it. It has nothing of the person, since answers to commands are kept for a day. */
export interface BlockOutcome {
  readonly id: string;
  readonly calendar: string;
  readonly kind: "address" | "email" | "phone" | "sub";
  readonly made_at: string;
  readonly expires_at: string | null;
}

/** A block, for the staff of its calendar. After an erasure `value` is null, and the block is still in force.

    `calendar` is `*` for all calendars. `made_by` is the account or the `sub` that has made it. */
export interface Block {
  readonly id: string;
  readonly calendar: string;
  readonly kind: "address" | "email" | "phone" | "sub";
  readonly made_at: string;
  readonly expires_at: string | null;
  readonly value: string | null;
  readonly reason: string;
  readonly made_by: string;
}

/** A number of `/metrics`, with its labels. A counter counts from the start of the process. */
export interface Figure {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** The figures of one of the servers on a database, the sums of its workers.

    `told_at` is the time of the figures. The last three count from `started_at`. */
export interface ServerRow {
  readonly name: string;
  readonly is_this: boolean;
  readonly told_at: string;
  readonly started_at: string;
  readonly is_leader: boolean;
  readonly workers: number;
  readonly connections: number;
  readonly subscribers: number;
  readonly rooms: number;
  readonly queued: number;
  readonly changes: number;
  readonly requests: number;
  readonly slow: number;
}

/** An empty success. */
export interface Nothing {}

/** Slots of several calendars, by start, and the cursor of each calendar.

    `next_page`, if present, is the `page` to ask for next. */
export interface FoundSlotsAnswer {
  readonly slots: readonly FoundSlot[];
  readonly cursors: Readonly<Record<string, string>>;
  readonly from: string;
  readonly to: string;
  readonly server_time: string;
  readonly next_page?: string;
}

export interface HoldAnswer {
  readonly cursor: string;
  readonly overridden?: readonly string[];
  readonly hold: Hold;
}

export interface EndedHoldAnswer {
  readonly cursor: string;
  readonly hold: EndedHold;
}

export interface OwnBookingAnswer {
  readonly cursor: string;
  readonly overridden?: readonly string[];
  readonly booking: Booking;
}

/** `sent` is false for a booking that waits for no code.

    `mails_left` further mails can be asked for, the next one after `wait_seconds`. */
export interface SentCodeAnswer {
  readonly cursor: string;
  readonly sent: boolean;
  readonly mails_left: number;
  readonly wait_seconds: number;
  readonly booking: BookingOutcome;
}

/** `verified` is false for a wrong code. At 0 `tries_left` only the link of the mail is good. */
export interface VerifiedAnswer {
  readonly cursor: string;
  readonly verified: boolean;
  readonly tries_left: number;
  readonly booking: BookingOutcome;
}

export interface BookingAnswer {
  readonly booking: StaffBooking;
}

export interface BookingOutcomeAnswer {
  readonly cursor: string;
  readonly overridden?: readonly string[];
  readonly booking: BookingOutcome;
}

/** `cursor` is of the booking's new calendar; `left` is present if it had another one before. */
export interface RescheduledAnswer {
  readonly cursor: string;
  readonly overridden?: readonly string[];
  readonly booking: BookingOutcome;
  readonly left?: Left;
}

export interface InfoAnswer {
  readonly cursor: string;
  readonly info: CalendarInfo;
  readonly warnings?: readonly ScheduleWarning[];
}

/** Entries of the history, newest first. With `next` there are older ones: it is their `before`. */
export interface HistoryAnswer {
  readonly entries: readonly HistoryEntry[];
  readonly next?: number;
}

/** A guest's token for one calendar, for the end of `/c/<calendar>#token=`, and its expiry. */
export interface LinkAnswer {
  readonly token: string;
  readonly expires_at: string;
}

export interface OwnFeedAnswer {
  readonly cursor: string;
  readonly feed: OwnFeed;
}

export interface FeedsAnswer {
  readonly feeds: readonly Feed[];
}

export interface FeedAnswer {
  readonly cursor: string;
  readonly feed: Feed;
}

export interface BusyAnswer {
  readonly cursor: string;
  readonly source: BusySource;
}

export interface BusyListAnswer {
  readonly sources: readonly BusySource[];
}

/** The numbers of slots that new opening hours open, remove and update; taken slots are `kept`. */
export interface ScheduleAnswer {
  readonly cursor: string;
  readonly opened: number;
  readonly removed: number;
  readonly updated: number;
  readonly kept: readonly Slot[];
  readonly warnings?: readonly ScheduleWarning[];
}

export interface SlotsAnswer {
  readonly cursor: string;
  readonly slots: readonly Slot[];
  readonly warnings?: readonly ScheduleWarning[];
}

export interface SlotAnswer {
  readonly cursor: string;
  readonly overridden?: readonly string[];
  readonly slot: Slot;
  readonly warnings?: readonly ScheduleWarning[];
}

/** The bookings of the window from `from` to `to`. Too many bookings end the window early.

    A search has pages instead: `next_page`, if present, is the `page` to ask for next. */
export interface BookingsAnswer {
  readonly bookings: readonly ListedBooking[];
  readonly from: string;
  readonly to: string;
  readonly next_page?: string;
}

/** All data about a person with an e-mail address: the bookings, and what the history says about the person.

    Addresses are those of calendars of which the caller is an owner. `blocks` are those of the e-mail address, on the
    first page. `next_page`, if present, is the `page` to ask for next. */
export interface ExportAnswer {
  readonly bookings: readonly ListedBooking[];
  readonly entries: readonly ExportedEntry[];
  readonly blocks?: readonly Block[];
  readonly next_page?: string;
}

/** The number of bookings cancelled, and of their calendars.

    `next_page`, if present, is the `page` to go on with: there may be more bookings. */
export interface CancelledAnswer {
  readonly cancelled: number;
  readonly calendars: number;
  readonly next_page?: string;
}

/** The number of bookings without their customer from now on, and of their calendars.

    `next_page`, if present, is the `page` to go on with: there may be more bookings. */
export interface ErasedAnswer {
  readonly erased: number;
  readonly calendars: number;
  readonly next_page?: string;
}

/** A block changes no calendar: `cursor` is that of its calendar's last change, and empty for `*`. */
export interface BlockAnswer {
  readonly cursor: string;
  readonly block: BlockOutcome;
}

export interface BlocksAnswer {
  readonly blocks: readonly Block[];
}

/** The state of the server that answers. `nodes` is the number of servers that know each other, with this one.

    Of several workers on one machine, each figure has the label `worker`, the number of the process. `servers` has this
    server first, then the others by name, up to 100. A server tells its figures every two seconds; without news of it
    for ten seconds it is not in the list any more. */
export interface ServerAnswer {
  readonly server_time: string;
  readonly started_at: string;
  readonly versions: Readonly<Record<string, string>>;
  readonly nodes: number;
  readonly workers: number;
  readonly figures: readonly Figure[];
  readonly servers: readonly ServerRow[];
}

/** The answer to each request. */
export interface Answers {
  readonly "calendar.subscribe": SubscribeAnswer;
  readonly "calendar.unsubscribe": Nothing;
  readonly "auth.refresh": Nothing;
  readonly "slot.list": FoundSlotsAnswer;
  readonly "slot.hold": HoldAnswer;
  readonly "hold.extend": HoldAnswer;
  readonly "hold.release": EndedHoldAnswer;
  readonly "slot.book": OwnBookingAnswer;
  readonly "booking.send_code": SentCodeAnswer;
  readonly "booking.verify": VerifiedAnswer;
  readonly "booking.get": BookingAnswer;
  readonly "booking.cancel": BookingOutcomeAnswer;
  readonly "booking.reschedule": RescheduledAnswer;
  readonly "booking.update": BookingOutcomeAnswer;
  readonly "calendar.create": InfoAnswer;
  readonly "calendar.update": InfoAnswer;
  readonly "calendar.archive": InfoAnswer;
  readonly "calendar.restore": InfoAnswer;
  readonly "history.list": HistoryAnswer;
  readonly "calendar.link": LinkAnswer;
  readonly "feed.create": OwnFeedAnswer;
  readonly "feed.list": FeedsAnswer;
  readonly "feed.revoke": FeedAnswer;
  readonly "busy.add": BusyAnswer;
  readonly "busy.list": BusyListAnswer;
  readonly "busy.remove": BusyAnswer;
  readonly "schedule.set": ScheduleAnswer;
  readonly "slot.open": SlotsAnswer;
  readonly "slot.update": SlotAnswer;
  readonly "slot.close": SlotAnswer;
  readonly "slot.reopen": SlotAnswer;
  readonly "slot.remove": SlotAnswer;
  readonly "booking.list": BookingsAnswer;
  readonly "booking.confirm": BookingOutcomeAnswer;
  readonly "booking.reject": BookingOutcomeAnswer;
  readonly "booking.no_show": BookingOutcomeAnswer;
  readonly "booking.reinstate": BookingOutcomeAnswer;
  readonly "booking.erase": BookingOutcomeAnswer;
  readonly "customer.export": ExportAnswer;
  readonly "booking.cancel_all": CancelledAnswer;
  readonly "customer.erase": ErasedAnswer;
  readonly "block.add": BlockAnswer;
  readonly "block.remove": BlockAnswer;
  readonly "block.list": BlocksAnswer;
  readonly "server.read": ServerAnswer;
}

/** The name of each answer's type, of the requests of everyone. A subscription's answer has several. */
export const ANSWER_TYPES = {
  "calendar.unsubscribe": "Nothing",
  "auth.refresh": "Nothing",
  "slot.list": "FoundSlotsAnswer",
  "slot.hold": "HoldAnswer",
  "hold.extend": "HoldAnswer",
  "hold.release": "EndedHoldAnswer",
  "slot.book": "OwnBookingAnswer",
  "booking.send_code": "SentCodeAnswer",
  "booking.verify": "VerifiedAnswer",
  "booking.get": "BookingAnswer",
  "booking.cancel": "BookingOutcomeAnswer",
  "booking.reschedule": "RescheduledAnswer",
  "booking.update": "BookingOutcomeAnswer",
} as const;

/** The name of each answer's type, of the requests of staff. A subscription's answer has several. */
export const STAFF_ANSWER_TYPES = {
  "calendar.create": "InfoAnswer",
  "calendar.update": "InfoAnswer",
  "calendar.archive": "InfoAnswer",
  "calendar.restore": "InfoAnswer",
  "history.list": "HistoryAnswer",
  "calendar.link": "LinkAnswer",
  "feed.create": "OwnFeedAnswer",
  "feed.list": "FeedsAnswer",
  "feed.revoke": "FeedAnswer",
  "busy.add": "BusyAnswer",
  "busy.list": "BusyListAnswer",
  "busy.remove": "BusyAnswer",
  "schedule.set": "ScheduleAnswer",
  "slot.open": "SlotsAnswer",
  "slot.update": "SlotAnswer",
  "slot.close": "SlotAnswer",
  "slot.reopen": "SlotAnswer",
  "slot.remove": "SlotAnswer",
  "booking.list": "BookingsAnswer",
  "booking.confirm": "BookingOutcomeAnswer",
  "booking.reject": "BookingOutcomeAnswer",
  "booking.no_show": "BookingOutcomeAnswer",
  "booking.reinstate": "BookingOutcomeAnswer",
  "booking.erase": "BookingOutcomeAnswer",
  "customer.export": "ExportAnswer",
  "booking.cancel_all": "CancelledAnswer",
  "customer.erase": "ErasedAnswer",
  "block.add": "BlockAnswer",
  "block.remove": "BlockAnswer",
  "block.list": "BlocksAnswer",
  "server.read": "ServerAnswer",
} as const;

export type SubscribeAnswer =
  ({ readonly mode: "snapshot" } & Snapshot) | ({ readonly mode: "resumed" } & Resumption);

export type Fields = Readonly<Record<string, unknown>>;
