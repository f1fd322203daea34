import { expect, it } from "vitest";
import { clockOf, placeDay, scaleOf, snap } from "../../../src/staff/week/grid_layout";

const MIDNIGHT = Date.parse("2027-03-01T00:00:00Z");
const slot = (id: string, from: number, to: number) => ({
  id,
  start: new Date(MIDNIGHT + from * 60_000).toISOString(),
  end: new Date(MIDNIGHT + to * 60_000).toISOString(),
});
const minutes = (instant: number) => (instant - MIDNIGHT) / 60_000;

it("puts overlapping slots beside each other, and the next group over the whole width", () => {
  const placed = placeDay(
    [slot("a", 60, 120), slot("b", 90, 150), slot("c", 120, 180), slot("d", 180, 240)],
    minutes,
  );
  expect(placed.map(({ lane, lanes }) => [lane, lanes])).toEqual([
    [0, 2],
    [1, 2],
    [0, 2],
    [0, 1],
  ]);
  expect(placed.map(({ top, bottom }) => [top, bottom])[0]).toEqual([60, 120]);
});

it("cuts a slot at midnight", () => {
  expect(placeDay([slot("late", 1_380, 1_500)], minutes)[0]?.bottom).toBe(1_440);
});

it("gives the shortest slot room for its text, within limits", () => {
  expect(scaleOf([])).toBe(0.8);
  expect(scaleOf([slot("a", 0, 15)]) * 15).toBeGreaterThanOrEqual(21.9);
  expect(scaleOf([slot("a", 0, 1)])).toBe(4.4);
});

it("snaps to steps within the day", () => {
  expect([snap(52, 15), snap(-3, 15), snap(1_450, 15)]).toEqual([45, 0, 1_440]);
  expect(clockOf(605)).toBe("10:05");
});
