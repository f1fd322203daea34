import { expect, it } from "vitest";
import type { CalendarEvent, Slot, StaffBooking } from "../../../src/client";
import { RemovedSlots } from "../../../src/staff/agenda/removed_slots";
import { change, slot } from "../../support/make";

const DAY = { from: "2026-11-24T00:00:00Z", to: "2026-11-25T00:00:00Z" };

function calendarOf(slots: readonly Slot[], bookings: readonly Partial<StaffBooking>[]) {
  return {
    slots,
    bookings: bookings as readonly StaffBooking[],
    covered: DAY,
    slot: (id: string) => slots.find((one) => one.id === id),
  };
}

const shown = (slots: readonly { id: string; isRemoved?: true }[]) =>
  slots.map(({ id, isRemoved }) => (isRemoved ? `${id} removed` : id));

it("puts a removed slot with a booking among the others, by its time", () => {
  const removed = { slot: "gone", start: "2026-11-24T09:30:00Z", end: "2026-11-24T09:45:00Z" };
  const other = { slot: "far", start: "2026-11-26T09:00:00Z", end: "2026-11-26T10:00:00Z" };
  const calendar = calendarOf([slot("a", 9), slot("b", 10)], [removed, other, { slot: "a" }]);
  expect(shown(new RemovedSlots().merge(calendar))).toEqual(["a", "gone removed", "b"]);
});

it("keeps a slot that is removed while it is shown, until the next snapshot", () => {
  const slots = new RemovedSlots();
  const booking = { slot: "a" };
  slots.merge(calendarOf([slot("a", 9), slot("b", 10)], [booking]));
  slots.take({ kind: "change", change: change(2, [], { removed: ["a"] }) } as CalendarEvent);
  const after = calendarOf([slot("b", 10)], [booking]);
  expect(shown(slots.merge(after))).toEqual(["a removed", "b"]);
  slots.take({ kind: "snapshot" });
  expect(shown(slots.merge(after))).toEqual(["b"]);
});

it("leaves the slots alone where none was removed", () => {
  const calendar = calendarOf([slot("a", 9)], [{ slot: "a" }, { slot: "elsewhere" }]);
  expect(new RemovedSlots().merge(calendar)).toBe(calendar.slots);
});
