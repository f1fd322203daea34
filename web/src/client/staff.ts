/** What only staff can do with a calendar. */

import { Calendar } from "./calendar.ts";
import type { CalendarInfo, Fields, Slot, StaffBooking } from "./wire.ts";

export interface NewSlot {
  readonly start: string;
  readonly end: string;
  readonly capacity?: number;
  readonly data?: unknown;
}

export interface SlotEdit extends Partial<NewSlot> {
  /** Refused with `version_conflict` if the slot has moved on. */
  readonly if_version?: number;
}

/** What opening hours do, or would: how many slots each, and those left alone as they are taken. */
export interface ScheduleOutcome {
  readonly opened: number;
  readonly removed: number;
  readonly updated: number;
  readonly kept: readonly Slot[];
}

/** The most slots that one request may open. */
export const MOST_SLOTS = 200;

export class StaffCalendar extends Calendar {
  async open(slots: readonly NewSlot[]): Promise<readonly Slot[]> {
    const fields = { calendar: this.id, slots };
    return (await this.courier.mutate("slot.open", fields)).slots as readonly Slot[];
  }

  /** The opening hours as they were set. */
  async schedule(): Promise<Fields | null> {
    return (await this.courier.fetch(`${this.path}/schedule`)).schedule as Fields | null;
  }

  /** With `preview` it only says what would happen. */
  async setSchedule(schedule: Fields, preview = false): Promise<ScheduleOutcome> {
    const fields = { calendar: this.id, schedule, ...(preview && { preview }) };
    return (await this.courier.mutate("schedule.set", fields)) as unknown as ScheduleOutcome;
  }

  update(slot: string, edit: SlotEdit): Promise<Slot> {
    return this.#onSlot("slot.update", slot, edit);
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

  confirm(booking: string): Promise<StaffBooking> {
    return this.#onBooking("booking.confirm", booking);
  }

  reject(booking: string): Promise<StaffBooking> {
    return this.#onBooking("booking.reject", booking);
  }

  noShow(booking: string): Promise<StaffBooking> {
    return this.#onBooking("booking.no_show", booking);
  }

  erase(booking: string): Promise<StaffBooking> {
    return this.#onBooking("booking.erase", booking);
  }

  /** Staff need no token of the booking. */
  cancelBooking(booking: string): Promise<StaffBooking> {
    return this.#onBooking("booking.cancel", booking);
  }

  async edit(info: Partial<Omit<CalendarInfo, "id">>): Promise<CalendarInfo> {
    const fields = { id: this.id, ...info };
    return (await this.courier.mutate("calendar.update", fields)).info as CalendarInfo;
  }

  async #onSlot(name: string, slot: string, edit: SlotEdit = {}): Promise<Slot> {
    return (await this.courier.mutate(name, { slot, ...edit })).slot as Slot;
  }

  async #onBooking(name: string, booking: string): Promise<StaffBooking> {
    return (await this.courier.mutate(name, { booking })).booking as StaffBooking;
  }
}
