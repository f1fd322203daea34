import { describe, expect, it } from "vitest";
import {
  isDay,
  rangeOf,
  readShown,
  stepDay,
  weekOf,
  writeShown,
} from "../../../src/staff/day/day_range";

const NOW = Date.parse("2027-03-05T15:00:00Z");
const hours = ({ from, to }: { from: string; to: string }) =>
  (Date.parse(to) - Date.parse(from)) / 3_600_000;

describe("what the staff page shows", () => {
  it("is a day by the calendar's clocks, however long it is", () => {
    expect(rangeOf({ day: "2027-03-05" }, "UTC", NOW)).toEqual({
      from: "2027-03-05T00:00:00.000Z",
      to: "2027-03-06T00:00:00.000Z",
    });
    expect(rangeOf({ day: "2027-03-05" }, "Asia/Tokyo", NOW).from).toBe("2027-03-04T15:00:00.000Z");
    expect(hours(rangeOf({ day: "2027-03-28" }, "Europe/Vienna", NOW))).toBe(23);
    expect(hours(rangeOf({ day: "2027-10-31" }, "Europe/Vienna", NOW))).toBe(25);
  });

  it("has the last day of the year 9999 too", () => {
    const { from, to } = rangeOf({ day: "9999-12-30" }, "Europe/Vienna", NOW);
    expect([from, to]).toEqual(["9999-12-29T23:00:00.000Z", "9999-12-30T23:00:00.000Z"]);
    expect(stepDay("9999-12-30", 1)).toBe("9999-12-30");
    expect(stepDay("", 1)).toBe("");
  });

  it("has no gap and no overlap between two days, also where midnight is skipped", () => {
    for (const zone of [
      "Europe/Vienna",
      "America/Santiago",
      "Africa/Cairo",
      "Australia/Lord_Howe",
    ]) {
      for (let day = "2027-01-01"; day < "2028-01-01"; day = stepDay(day, 1)) {
        expect(rangeOf({ day }, zone, NOW).to).toBe(
          rangeOf({ day: stepDay(day, 1) }, zone, NOW).from,
        );
      }
    }
  });

  it("begins with today as a whole where no day is chosen", () => {
    const { from, to } = rangeOf({}, "Europe/Vienna", NOW);
    expect(from).toBe("2027-03-04T23:00:00.000Z");
    expect(to).toBe("2027-05-05T22:00:00.000Z");
  });

  it("goes on within a day that holds more than one answer does", () => {
    const at = "2027-03-05T09:30:00Z";
    expect(rangeOf({ day: "2027-03-05", at }, "UTC", NOW).from).toBe("2027-03-05T09:30:00.000Z");
    expect(rangeOf({ day: "2027-03-06", at }, "UTC", NOW).from).toBe("2027-03-06T00:00:00.000Z");
  });
});

it("takes only days that there are", () => {
  expect(["2027-02-28", "2028-02-29", "1970-01-02"].every(isDay)).toBe(true);
  const none = [
    "2027-02-29",
    "2027-13-01",
    "0002-01-01",
    "27-1-1",
    "",
    null,
    undefined,
    "9999-12-31",
  ];
  expect(none.some(isDay)).toBe(false);
  expect(stepDay("2027-12-31", 1)).toBe("2028-01-01");
  expect(stepDay("2028-03-01", -1)).toBe("2028-02-29");
  expect(stepDay("1970-01-02", -1)).toBe("1970-01-02");
});

it("comes back from the address as it was written there", () => {
  const at = "2027-03-05T09:30:00Z";
  for (const shown of [{}, { day: "2027-03-05" }, { day: "2027-03-05", at }]) {
    const query = Object.entries(writeShown(shown)).filter(([, value]) => value !== undefined);
    expect(readShown(`?${new URLSearchParams(query as [string, string][])}`)).toEqual(shown);
  }
  expect(readShown("?calendar=a&day=nonsense")).toEqual({});
  expect(readShown("?day=2027-03-05&at=nonsense")).toEqual({ day: "2027-03-05" });
});

it("shows the week from Monday to Sunday, through a change of the clocks", () => {
  const week = weekOf("2027-03-28");
  expect([week[0], week[6]]).toEqual(["2027-03-22", "2027-03-28"]);
  expect(weekOf("2027-03-22")).toEqual(week);
  expect(hours(rangeOf({ day: "2027-03-25", isWeek: true }, "Europe/Vienna", NOW))).toBe(167);
  expect(hours(rangeOf({ isWeek: true }, "Europe/Vienna", NOW))).toBe(168);
});
