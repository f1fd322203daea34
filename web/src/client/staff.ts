/** The commands for staff on a calendar. */

import { Calendar, type Proof } from "./calendar.ts";
import { EXPLANATION } from "./shape.ts";
import type { Answers, BookingsAnswer, CalendarInfo, Fields, BookingOutcome } from "./wire.ts";
import type { BusySource, Feed, HistoryAnswer, LinkAnswer, OwnFeed } from "./wire.ts";
import type { Customer, HoldAnswer, OwnBookingAnswer } from "./wire.ts";
import type { RescheduledAnswer, ScheduleAnswer, Slot } from "./wire.ts";
import type { BookingOutcomeAnswer, SlotAnswer } from "./wire.ts";

export interface NewSlot {
  readonly start: string;
  readonly end: string;
  readonly capacity?: number;
  readonly data?: unknown;
}

export interface SlotEdit extends Partial<NewSlot> {
  /** The server refuses an older version with `version_conflict`. */
  readonly if_version?: number;
  /** Moves a slot in which somebody has a seat, with everyone in it. */
  readonly with_bookings?: boolean;
  /** Passes over a taken neighbour. */
  readonly override?: boolean;
}

/** A request of staff that may pass over rules. The answer's `overridden` names them. */
export interface OverrideOption {
  readonly override?: boolean;
}

/** A booking by staff for a caller. */
export interface CallerBooking extends OverrideOption {
  readonly customer: Customer;
  readonly seats?: number;
  readonly hold?: Proof;
}

/** The details to correct in a booking. */
export interface Correction extends OverrideOption {
  readonly customer?: Customer;
  readonly seats?: number;
}

/** A rule for taking a slot. One that refuses has the message. */
export interface ExplainedRule {
  readonly rule: string;
  readonly ok: boolean;
  readonly message?: string;
}

export interface Explanation {
  readonly bookable: boolean;
  readonly rules: readonly ExplainedRule[];
}

/** A page of the history, about one slot or booking or about the whole calendar. */
export interface HistoryPage {
  readonly slot?: string;
  readonly booking?: string;
  readonly before?: number;
  readonly limit?: number;
}

/** The most slots that one request may open. */
export const MOST_SLOTS = 200;

/** The requests whose answer is one slot or one booking. */
type Naming<Thing extends string> = {
  [Name in keyof Answers]: Answers[Name] extends Readonly<Record<Thing, unknown>> ? Name : never;
}[keyof Answers];

export class StaffCalendar extends Calendar {
  #saving: Promise<unknown> = Promise.resolve();

  /** Opens up to MOST_SLOTS new slots and returns them. */
  async openSlots(slots: readonly NewSlot[]): Promise<readonly Slot[]> {
    const fields = { calendar: this.id, slots };
    return (await this.command("slot.open", fields)).slots;
  }

  /** @deprecated Use `openSlots`. */
  open(slots: readonly NewSlot[]): Promise<readonly Slot[]> {
    return this.openSlots(slots);
  }

  /** Reads the opening hours, after those that are being set: an edit of older ones would undo them. */
  async schedule(): Promise<Fields | null> {
    await this.#saving;
    return (await this.requests.fetch(`${this.path}/schedule`, {})).schedule as Fields | null;
  }

  /** Sets the opening hours. With `preview` it only returns the outcome. */
  setSchedule(schedule: Fields, preview = false): Promise<ScheduleAnswer> {
    const fields = { calendar: this.id, schedule, ...(preview && { preview }) };
    const answer = this.command("schedule.set", fields);
    if (!preview) this.#saving = answer.catch(() => {});
    return answer;
  }

  update(slot: string, edit: SlotEdit): Promise<Slot> {
    return this.#onSlot("slot.update", slot, edit);
  }

  /** Changes a slot. The answer names the rules passed over. */
  change(slot: string, edit: SlotEdit): Promise<SlotAnswer> {
    return this.command("slot.update", { slot, ...edit });
  }

  closeSlot(slot: string): Promise<Slot> {
    return this.#onSlot("slot.close", slot);
  }

  reopen(slot: string): Promise<Slot> {
    return this.#onSlot("slot.reopen", slot);
  }

  remove(slot: string): Promise<Slot> {
    return this.#onSlot("slot.remove", slot);
  }

  /** Makes a token for guests to see and book the calendar until it ends. */
  link(lifetime_seconds: number): Promise<LinkAnswer> {
    return this.requests.read("calendar.link", { calendar: this.id, lifetime_seconds });
  }

  /** Makes a private address of the feed; only this answer has its token. */
  async createFeed(scope: Feed["scope"], name = ""): Promise<OwnFeed> {
    return (await this.command("feed.create", { calendar: this.id, scope, name })).feed;
  }

  async listFeeds(): Promise<readonly Feed[]> {
    return (await this.requests.read("feed.list", { calendar: this.id })).feeds;
  }

  async revokeFeed(feed: string): Promise<Feed> {
    return (await this.command("feed.revoke", { feed })).feed;
  }

  /** Imports the busy times of another calendar. */
  async addBusy(url: string, name = ""): Promise<BusySource> {
    return (await this.command("busy.add", { calendar: this.id, url, name })).source;
  }

  async listBusy(): Promise<readonly BusySource[]> {
    return (await this.requests.read("busy.list", { calendar: this.id })).sources;
  }

  async removeBusy(source: string): Promise<BusySource> {
    return (await this.command("busy.remove", { source })).source;
  }

  /** Lists the bookings of the slots between, by start. `to` is the start of the next page. */
  listBookings(from: string, to: string): Promise<BookingsAnswer> {
    return this.requests.read("booking.list", { calendar: this.id, from, to });
  }

  /** Lists who changed what, newest first. `next` is the `before` of the page after it. */
  history(about: HistoryPage = {}): Promise<HistoryAnswer> {
    return this.requests.read("history.list", { calendar: this.id, ...about });
  }

  /** Checks each rule for taking the slot. */
  async explain(slot: string): Promise<Explanation> {
    const path = `/slots/${encodeURIComponent(slot)}/explain`;
    return (await this.requests.fetch(path, EXPLANATION)) as unknown as Explanation;
  }

  /** Books for a caller. */
  bookFor(slot: string, { hold, ...rest }: CallerBooking): Promise<OwnBookingAnswer> {
    const proof = hold && { hold: { id: hold.id, token: hold.token } };
    return this.command("slot.book", { slot, ...proof, ...rest });
  }

  /** Holds seats for a caller. */
  holdFor(
    slot: string,
    options: OverrideOption & { readonly seats?: number } = {},
  ): Promise<HoldAnswer> {
    return this.command("slot.hold", { slot, ...options });
  }

  /** Moves a booking. Staff need no token of it. */
  moveBooking(
    booking: string,
    slot: string,
    options: OverrideOption = {},
  ): Promise<RescheduledAnswer> {
    return this.command("booking.reschedule", { booking, slot, ...options });
  }

  /** Corrects the customer or the seats of a booking. */
  correct(booking: string, correction: Correction): Promise<BookingOutcomeAnswer> {
    return this.command("booking.update", { booking, ...correction });
  }

  /** Archives the calendar: it takes no new bookings, and no more changes until it is restored. */
  async archive(): Promise<CalendarInfo> {
    return (await this.command("calendar.archive", { id: this.id })).info;
  }

  async restore(): Promise<CalendarInfo> {
    return (await this.command("calendar.restore", { id: this.id })).info;
  }

  confirm(booking: string): Promise<BookingOutcome> {
    return this.#onBooking("booking.confirm", booking);
  }

  reject(booking: string): Promise<BookingOutcome> {
    return this.#onBooking("booking.reject", booking);
  }

  noShow(booking: string): Promise<BookingOutcome> {
    return this.#onBooking("booking.no_show", booking);
  }

  /** Undoes `noShow`, `reject` and a cancellation, while the seats are there; with `override` over the rules. */
  reinstate(booking: string, more: { readonly override?: boolean } = {}): Promise<BookingOutcome> {
    return this.#onBooking("booking.reinstate", booking, more);
  }

  /** The same, with the rules passed over in the answer. */
  reinstateBooking(booking: string, options: OverrideOption = {}): Promise<BookingOutcomeAnswer> {
    return this.command("booking.reinstate", { booking, ...options });
  }

  erase(booking: string): Promise<BookingOutcome> {
    return this.#onBooking("booking.erase", booking);
  }

  /** Staff need no token of the booking. */
  cancelBooking(booking: string): Promise<BookingOutcome> {
    return this.#onBooking("booking.cancel", booking);
  }

  async edit(info: Partial<Omit<CalendarInfo, "id">>): Promise<CalendarInfo> {
    const fields = { id: this.id, ...info };
    return (await this.command("calendar.update", fields)).info;
  }

  async #onSlot(name: Naming<"slot">, slot: string, edit: SlotEdit = {}): Promise<Slot> {
    return (await this.command(name, { slot, ...edit })).slot;
  }

  async #onBooking(
    name: Naming<"booking">,
    booking: string,
    more: { readonly override?: boolean } = {},
  ): Promise<BookingOutcome> {
    return (await this.command(name, { booking, ...more })).booking;
  }
}
