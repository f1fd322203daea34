import { describe, expect, it } from "vitest";
import { slugOf } from "../../../src/staff/calendar/new_calendar";
import { batchesOf, slotsOf } from "../../../src/staff/opening/opening";

const opening = {
  date: "2026-11-27",
  time: "09:00",
  minutes: 45,
  count: 2,
  capacity: 3,
  days: 1,
  isWithoutWeekends: false,
};

describe("opening times", () => {
  it("puts equal times in a row, from the wall clock of the calendar's zone", () => {
    expect(slotsOf(opening, "Europe/Berlin")).toEqual([
      { start: "2026-11-27T08:00:00.000Z", end: "2026-11-27T08:45:00.000Z", capacity: 3 },
      { start: "2026-11-27T08:45:00.000Z", end: "2026-11-27T09:30:00.000Z", capacity: 3 },
    ]);
  });

  it("counts only working days where weekends are left out", () => {
    const days = slotsOf({ ...opening, count: 1, days: 3, isWithoutWeekends: true }, "UTC");
    expect(days.map(({ start }) => start.slice(0, 10))).toEqual([
      "2026-11-27",
      "2026-11-30",
      "2026-12-01",
    ]);
  });

  it("keeps the wall time over a change of clocks", () => {
    const over = slotsOf({ ...opening, date: "2026-10-24", count: 1, days: 2 }, "Europe/Berlin");
    expect(over.map(({ start }) => start)).toEqual([
      "2026-10-24T07:00:00.000Z",
      "2026-10-25T08:00:00.000Z",
    ]);
  });

  it("opens nothing for figures that are no figures", () => {
    expect(slotsOf({ ...opening, date: "" }, "UTC")).toEqual([]);
    expect(slotsOf({ ...opening, minutes: Number.NaN }, "UTC")).toEqual([]);
  });

  it("splits into what one request may carry", () => {
    const many = slotsOf({ ...opening, count: 90, days: 5 }, "UTC");
    expect(batchesOf(many, 200).map((batch) => batch.length)).toEqual([200, 200, 50]);
  });
});

it("makes an address of a name", () => {
  expect(slugOf("  Café Größe & Söhne! ")).toBe("cafe-gro-e-sohne");
});
