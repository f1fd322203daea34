/** The removed slots that have bookings. The replica has them no more, and staff still look after their
 * bookings. */

import type { CalendarEvent, Slot, StaffCalendar } from "../../client";

/** A slot of the agenda. */
export interface AgendaSlot extends Slot {
  readonly isRemoved?: true;
}

type Source = Pick<StaffCalendar, "slots" | "bookings" | "covered" | "slot">;

export class RemovedSlots {
  #shown: readonly Slot[] = [];
  readonly #gone = new Map<string, AgendaSlot>();

  /** Keeps the slots that a change removes while they are shown. */
  take(event: CalendarEvent): void {
    if (event.kind === "snapshot") this.#gone.clear();
    if (event.kind !== "change" || event.change.removed.length === 0) return;
    const removed = new Set(event.change.removed);
    for (const slot of this.#shown) {
      if (removed.has(slot.id)) this.#gone.set(slot.id, closed(slot.id, slot));
    }
  }

  /** Returns the calendar's slots by start, with the removed ones that have a booking in the window. */
  merge(calendar: Source): readonly AgendaSlot[] {
    this.#shown = calendar.slots;
    const found = new Map<string, AgendaSlot>();
    for (const { slot, start, end } of calendar.bookings) {
      if (calendar.slot(slot) !== undefined) continue;
      const gone = start && end ? closed(slot, { start, end }) : this.#gone.get(slot);
      if (gone !== undefined && touches(gone, calendar.covered)) found.set(slot, gone);
    }
    if (found.size === 0) return calendar.slots;
    const at = ({ start }: Slot) => Date.parse(start);
    return [...calendar.slots, ...found.values()].sort((a, b) => at(a) - at(b));
  }
}

const touches = (slot: Slot, { from, to }: { readonly from: string; readonly to: string }) =>
  Date.parse(slot.start) < Date.parse(to) && Date.parse(slot.end) > Date.parse(from);

function closed(id: string, { start, end }: Pick<Slot, "start" | "end">): AgendaSlot {
  const none = { capacity: 0, held: 0, remaining: 0, bookable: false, version: 0 };
  return { id, start, end, ...none, status: "closed", isRemoved: true };
}
