import { expect, it } from "vitest";
import {
  clockAt,
  edgesOf,
  type HoursEdge,
  isNextDay,
  withEdgeAt,
} from "../../../src/staff/schedule/hours_edge";
import type { Schedule } from "../../../src/staff/schedule/schedule";

const MONDAY = "2027-03-01";
const given: Schedule = {
  windows: [
    { days: ["mon", "tue"], start: "09:00", end: "12:00" },
    { days: ["mon"], start: "13:00", end: "24:00" },
    { days: ["wed"], start: "22:00", end: "02:00" },
    { rrule: "FREQ=MONTHLY;BYDAY=1MO", start: "06:00", end: "07:00" },
  ],
  slot_minutes: 30,
  from: "2027-01-01",
  until: "2027-12-31",
  closed: ["2027-03-08", { from: "2027-08-01", until: "2027-08-21" }],
};
const edge = (place: number) => edgesOf(given, MONDAY)[place] as HoursEdge;

it("has two edges for hours, bounded by the other edge and by the neighbours", () => {
  expect(
    edgesOf(given, MONDAY).map(({ side, at, least, most }) => [side, at, least, most]),
  ).toEqual([
    ["start", 540, 0, 705],
    ["end", 720, 555, 780],
    ["start", 780, 720, 1_425],
    ["end", 1_440, 795, 1_440],
  ]);
});

it.each(["2027-03-08", "2027-08-02", "2026-12-28", "2028-01-03"])(
  "has none on closed dates, and before and after the schedule: %s",
  (date) => expect(edgesOf(given, date)).toEqual([]),
);

it("moves an edge on its weekday alone, and keeps the rest", () => {
  const { windows, ...rest } = withEdgeAt(given, edge(1), 750) as Schedule;
  expect(windows).toEqual([
    { days: ["mon"], start: "09:00", end: "12:30" },
    { days: ["mon"], start: "13:00", end: "24:00" },
    { days: ["tue"], start: "09:00", end: "12:00" },
    { days: ["wed"], start: "22:00", end: "02:00" },
    { rrule: "FREQ=MONTHLY;BYDAY=1MO", start: "06:00", end: "07:00" },
  ]);
  const { windows: _, ...before } = given;
  expect(rest).toMatchObject(before);
});

it("has the end of hours past midnight on the next day, and moves it there", () => {
  expect(
    edgesOf(given, "2027-03-03").map(({ side, at, least, most }) => [side, at, least, most]),
  ).toEqual([["start", 1_320, 0, 1_425]]);
  const [end] = edgesOf(given, "2027-03-04");
  expect(end).toEqual({
    ...{ date: "2027-03-04", weekday: "wed", place: 0, side: "end" },
    ...{ at: 120, least: 0, most: 1_320 },
  });
  expect(isNextDay(end as HoursEdge)).toBe(true);
  expect(isNextDay(edge(0))).toBe(false);
  const moved = withEdgeAt(given, end as HoursEdge, 180) as Schedule;
  expect(moved.windows).toContainEqual({ days: ["wed"], start: "22:00", end: "03:00" });
  const cut = withEdgeAt(given, end as HoursEdge, 0) as Schedule;
  expect(cut.windows).toContainEqual({ days: ["wed"], start: "22:00", end: "24:00" });
});

it("moves no edge that somebody else has moved", () => {
  const moved = withEdgeAt(given, edge(1), 750) as Schedule;
  expect(withEdgeAt(moved, edge(1), 780)).toBeUndefined();
  expect(withEdgeAt(null, edge(1), 780)).toBeUndefined();
});

it("writes midnight as an end as a clock field does", () => {
  expect([clockAt(1_440), clockAt(555)]).toEqual(["00:00", "09:15"]);
});
