import { expect, it } from "vitest";
import type { StaffBooking } from "../../../src/client";
import { findBooking } from "../../../src/staff/day/booking_search";
import { slot } from "../../support/make";

const DAY = 86_400_000;
const EDGE = Date.parse("2027-03-05T00:00:00Z");
const text = (instant: number) => new Date(instant).toISOString();

/** A calendar with a slot and a booking at each of these days from the edge, and answers of `most` things. */
function calendarOf(days: readonly number[], most = 2, cancelled: readonly number[] = []) {
  let asked = 0;
  const slots = days.map((day) => {
    const start = EDGE + day * DAY;
    return { ...slot(`s${day}`, 9), start: text(start), end: text(start + DAY / 24) };
  });
  const within = (from: string, to: string) => {
    asked += 1;
    const found = slots
      .filter(({ start, end }) => end > from && start < to)
      .sort((a, b) => a.start.localeCompare(b.start));
    return { found: found.slice(0, most), to: found[most]?.start ?? to };
  };
  return {
    count: () => asked,
    list: async (from: string, to: string) => {
      const { found, to: reached } = within(from, to);
      const bookings = found.map(({ id }) => {
        const status = cancelled.includes(Number(id.slice(1))) ? "cancelled" : "confirmed";
        return { id: `b${id}`, slot: id, status } as StaffBooking;
      });
      return { bookings, to: reached };
    },
    look: async (from: string, to: string) => {
      const { found, to: reached } = within(from, to);
      return { slots: found, to: reached };
    },
  };
}

const all = () => true;
const daysFrom = (instant: number | undefined) =>
  instant === undefined ? undefined : (instant - EDGE) / DAY;

it("finds the next booking, however far and however many there are", async () => {
  expect(daysFrom(await findBooking(calendarOf([-9, 3, 5, 6, 7]), EDGE, 1, all))).toBe(3);
  expect(daysFrom(await findBooking(calendarOf([-9, 300, 301, 302, 303]), EDGE, 1, all))).toBe(300);
  expect(daysFrom(await findBooking(calendarOf([-9, 3_000]), EDGE, 1, all))).toBe(3_000);
  expect(await findBooking(calendarOf([-9]), EDGE, 1, all)).toBeUndefined();
});

it("finds the last one before, though answers begin with the first", async () => {
  expect(daysFrom(await findBooking(calendarOf([-9, -8, -7, -6, -5, 4]), EDGE, -1, all))).toBe(-5);
  expect(daysFrom(await findBooking(calendarOf([-900, -899, -898]), EDGE, -1, all))).toBe(-898);
  expect(await findBooking(calendarOf([4]), EDGE, -1, all)).toBeUndefined();
});

it("passes over what is not wanted", async () => {
  const isStanding = ({ status }: StaffBooking) => status === "confirmed";
  const calendar = calendarOf([3, 4, 5, 6, 90], 2, [3, 4, 5]);
  expect(daysFrom(await findBooking(calendar, EDGE, 1, isStanding))).toBe(6);
  const before = calendarOf([-6, -5, -4], 2, [-5, -4]);
  expect(daysFrom(await findBooking(before, EDGE, -1, isStanding))).toBe(-6);
});

it("does not count what begins before the edge and lasts over it as later", async () => {
  expect(daysFrom(await findBooking(calendarOf([-0.01, 40]), EDGE, 1, all))).toBe(40);
});

it("asks little where there is nothing", async () => {
  const calendar = calendarOf([]);
  await findBooking(calendar, EDGE, 1, all);
  expect(calendar.count()).toBeLessThan(10);
});

it("finds a booking of a removed slot by its own times", async () => {
  const [start, end] = [text(EDGE + 7 * DAY), text(EDGE + 7.1 * DAY)];
  const booking = { id: "b", slot: "gone", start, end, slot_removed: true };
  const asked = {
    list: async (from: string, to: string) => {
      const isIn = from < end && to > start;
      return { bookings: isIn ? [booking as StaffBooking] : [], to };
    },
    look: async (_from: string, to: string) => ({ slots: [], to }),
  };
  expect(daysFrom(await findBooking(asked, EDGE, 1, all))).toBe(7);
  expect(daysFrom(await findBooking(asked, EDGE + 20 * DAY, -1, all))).toBe(7);
});
