import { describe, expect, it } from "vitest";
import type { Slot } from "../../../src/client";
import { DayGrouping } from "../../../src/booking/board/day_groups";
import { slot } from "../../support/make";

const NOW = Date.parse("2027-03-01T00:00:00Z");
const at = (day: number, hour: number, id: string): Slot => {
  const start = NOW + (day * 24 + hour) * 3_600_000;
  const [from, to] = [start, start + 3_600_000].map((time) => new Date(time).toISOString());
  return slot(id, 0, { start: from as string, end: to as string });
};
const board = [at(0, 9, "a"), at(0, 10, "b"), at(1, 9, "c"), at(2, 9, "d")];
const ids = (groups: ReadonlyMap<string, readonly Slot[]>) =>
  [...groups].map(([key, slots]) => [key, slots.map(({ id }) => id).join("")]);

describe("the days of a board", () => {
  it("have the slots of their day in the zone", () => {
    const grouping = new DayGrouping();
    const days = [
      ["2027-03-01", "ab"],
      ["2027-03-02", "c"],
      ["2027-03-03", "d"],
    ];
    expect(ids(grouping.group(board, "UTC", NOW).groups)).toEqual(days);
    const far = grouping.group(board, "Pacific/Kiritimati", NOW);
    expect(far.replaced).toBeUndefined();
    expect(ids(far.groups)).toEqual([
      ["2027-03-01", "a"],
      ["2027-03-02", "bc"],
      ["2027-03-03", "d"],
    ]);
  });

  it("stay the same array but for the day of a changed slot", () => {
    const grouping = new DayGrouping();
    const before = new Map(grouping.group(board, "UTC", NOW).groups);
    const booked = { ...(board[1] as Slot), status: "booked" } as Slot;
    const { groups, replaced } = grouping.group(board.with(1, booked), "UTC", NOW);
    expect([...(replaced ?? [])]).toEqual([["2027-03-01", [booked]]]);
    expect(groups.get("2027-03-01")?.[1]).toBe(booked);
    expect(groups.get("2027-03-01")).not.toBe(before.get("2027-03-01"));
    for (const key of ["2027-03-02", "2027-03-03"]) expect(groups.get(key)).toBe(before.get(key));
  });

  it.each([
    ["a slot has moved", board.with(0, at(1, 8, "a")), NOW],
    ["a slot is gone", board.slice(1), NOW],
    ["a slot is another one", board.with(0, at(0, 9, "z")), NOW],
    ["a slot has ended", board, NOW + 10 * 3_600_000],
  ])("are made again after %s", (_what, slots, now) => {
    const grouping = new DayGrouping();
    grouping.group(board, "UTC", NOW);
    const { groups, replaced } = grouping.group(slots, "UTC", now);
    expect(replaced).toBeUndefined();
    expect(ids(groups)).toEqual(ids(new DayGrouping().group(slots, "UTC", now).groups));
  });
});
