import { expect, it } from "vitest";
import { placeDay } from "../../../src/staff/week/grid_layout.ts";
import { minutesIn } from "../../../src/staff/week/open_range.ts";
import { timeParts } from "../../../src/staff/week/week_block.ts";

const ZONE = "Europe/Vienna";

it("opens a drawn range in real time over a change of the clock", () => {
  const night = { from: 60, to: 240 };
  expect(minutesIn({ day: "2027-03-27", ...night }, ZONE)).toBe(180);
  expect(minutesIn({ day: "2027-03-28", ...night }, ZONE)).toBe(120);
  expect(minutesIn({ day: "2027-10-31", ...night }, ZONE)).toBe(240);
  expect(minutesIn({ day: "2027-10-31", from: 0, to: 1_440 }, ZONE)).toBe(25 * 60);
});

it("places the times of the hour that comes twice beside each other", () => {
  const midnight = Date.parse("2027-10-30T22:00:00Z");
  const half = (place: number) => new Date(midnight + place * 30 * 60_000).toISOString();
  const slots = Array.from({ length: 10 }, (_, at) => ({
    ...{ id: String(at), start: half(at), end: half(at + 1) },
  }));
  const wall = (instant: number) => {
    const minutes = (instant - midnight) / 60_000;
    return minutes < 180 ? minutes : minutes - 60;
  };
  const shown = placeDay(slots, wall).map(({ slot, lane, lanes }) => [slot.id, lane, lanes]);
  expect(shown.slice(3, 9)).toEqual([
    ["3", 0, 1],
    ["4", 0, 2],
    ["6", 1, 2],
    ["5", 0, 2],
    ["7", 1, 2],
    ["8", 0, 1],
  ]);
});

it("splits the time of a block, with the offset of the hour that comes twice", () => {
  expect(timeParts("9:30 AM")).toEqual(["9:30", " AM", "", ""]);
  expect(timeParts("2:30 AM GMT+2")).toEqual(["2:30", " AM", " GMT", "+2"]);
  expect(timeParts("01:30 GMT+5:30")).toEqual(["01:30", "", " GMT", "+5:30"]);
  expect(timeParts("01:30 GMT")).toEqual(["01:30", "", " GMT", ""]);
  expect(timeParts("09:30")).toEqual(["09:30", "", "", ""]);
});
