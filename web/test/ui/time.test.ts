import { describe, expect, it } from "vitest";
import * as time from "../../src/ui/time";

const locale = { language: "en-GB", hour12: false };
const at = Date.parse("2026-11-24T23:30:00Z");

describe("instants in a zone", () => {
  it("puts an instant on the day that it is there", () => {
    expect(time.dayKey(at, "Europe/Berlin")).toBe("2026-11-25");
    expect(time.dayKey(at, "America/New_York")).toBe("2026-11-24");
    expect(time.dayKey(at, "Pacific/Kiritimati")).toBe("2026-11-25");
  });

  it("shows the wall clock there, midnight as 00:00", () => {
    expect(time.timeText(at, "Asia/Kathmandu", locale)).toBe("05:15");
    expect(time.timeText(at + 30 * 60_000, "UTC", locale)).toBe("00:00");
    expect(time.timeText(at, "UTC", { language: "en-US", hour12: true })).toMatch(/11:30.PM/);
  });

  it("tells the two hours apart that a clock shows twice in autumn", () => {
    const shown = (instant: string, zone: string) =>
      time.timeText(Date.parse(instant), zone, locale);
    expect(shown("2027-10-31T00:30:00Z", "Europe/Vienna")).toBe("02:30 GMT+2");
    expect(shown("2027-10-31T01:30:00Z", "Europe/Vienna")).toBe("02:30 GMT+1");
    expect(shown("2027-10-30T23:59:59Z", "Europe/Vienna")).toBe("01:59");
    expect(shown("2027-10-31T02:00:00Z", "Europe/Vienna")).toBe("03:00");
    expect(shown("2027-03-28T00:59:00Z", "Europe/Vienna")).toBe("01:59");
    expect(shown("2027-03-28T01:00:00Z", "Europe/Vienna")).toBe("03:00");
    expect(shown("2027-11-07T05:30:00Z", "America/New_York")).toBe("01:30 GMT-4");
    expect(shown("2027-11-07T06:30:00Z", "America/New_York")).toBe("01:30 GMT-5");
    expect(shown("2027-04-03T14:45:00Z", "Australia/Lord_Howe")).toBe("01:45 GMT+11");
    expect(shown("2027-04-03T15:15:00Z", "Australia/Lord_Howe")).toBe("01:45 GMT+10:30");
    expect(shown("2027-04-03T15:30:00Z", "Australia/Lord_Howe")).toBe("02:00");
  });

  it("names the zone by its city and its offset of that day", () => {
    expect(time.zoneText("America/New_York", at)).toBe("New York, GMT-5");
    expect(time.zoneText("America/New_York", Date.parse("2026-07-01T00:00:00Z"))).toBe(
      "New York, GMT-4",
    );
    expect(time.zoneText("UTC", at)).toBe("UTC");
  });

  it("names the zone in a language beside its city, where the browser has a name", () => {
    const summer = Date.parse("2026-07-01T00:00:00Z");
    const texts = ["Europe/Vienna", "Europe/Vienna", "Etc/GMT+5"].map((zone, place) =>
      time.zoneText(zone, summer, place === 0 ? "de" : "en-GB"),
    );
    expect(texts).toEqual([
      "Vienna, Mitteleuropäische Zeit, GMT+2",
      "Vienna, Central European Time, GMT+2",
      "GMT+5, GMT-5",
    ]);
  });

  it("titles a day, with the year where it is another", () => {
    expect(time.dayTitle("2026-11-24", "2026-11-23", locale)).toBe("Tuesday 24 November");
    expect(time.dayTitle("2027-01-01", "2026-11-23", locale)).toContain("2027");
    expect(time.nearness("2026-11-24", "2026-11-23")).toBe("Tomorrow");
    expect(time.nearness("2026-11-30", "2026-11-23")).toBe("");
  });
});

describe("wall times to instants", () => {
  const instant = (wall: string, zone: string) =>
    new Date(time.instantOf(wall, zone)).toISOString().slice(0, 16);

  it("finds the instant at which clocks there show that time", () => {
    expect(instant("2026-11-24T09:00", "Europe/Berlin")).toBe("2026-11-24T08:00");
    expect(instant("2026-07-24T09:00", "America/New_York")).toBe("2026-07-24T13:00");
    expect(instant("2026-11-24T09:00", "Asia/Kathmandu")).toBe("2026-11-24T03:15");
  });

  it("takes the offset before a gap, as the calendar does", () => {
    expect(instant("2026-03-29T02:30", "Europe/Berlin")).toBe("2026-03-29T01:30");
  });

  it("takes the first of two occurrences", () => {
    expect(instant("2026-10-25T02:30", "Europe/Berlin")).toBe("2026-10-25T00:30");
  });

  it("holds on both sides of a change of clocks", () => {
    expect(instant("2026-03-29T03:00", "Europe/Berlin")).toBe("2026-03-29T01:00");
    expect(instant("2026-03-29T01:59", "Europe/Berlin")).toBe("2026-03-29T00:59");
    expect(instant("2026-10-25T03:00", "Europe/Berlin")).toBe("2026-10-25T02:00");
  });
});

describe("lengths", () => {
  it("counts down to 0:00 and not below, rounding up", () => {
    expect([299_001, 7_000, 1, 0, -5, 3_723_000].map(time.countdownText)).toEqual([
      "5:00",
      "0:07",
      "0:01",
      "0:00",
      "0:00",
      "1:02:03",
    ]);
  });

  it("says durations as people do", () => {
    expect([45, 60, 90, 2_880].map((minutes) => time.durationText(minutes * 60_000))).toEqual([
      "45 min",
      "1 h",
      "1 h 30 min",
      "2 days",
    ]);
  });
});
