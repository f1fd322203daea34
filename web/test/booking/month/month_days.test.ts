import { expect, it } from "vitest";
import { dayFrom, monthFrom, weeksOf } from "../../../src/booking/month/month_days";

it("steps over the ends of months and years", () => {
  expect(monthFrom("2026-12", 1)).toBe("2027-01");
  expect(monthFrom("2027-01", -1)).toBe("2026-12");
  expect(dayFrom("2027-02-28", 1)).toBe("2027-03-01");
  expect(dayFrom("2028-02-28", 1)).toBe("2028-02-29");
});

it("has every day of a month once, below its weekday", () => {
  for (const first of [1, 6, 7]) {
    for (let month = "2026-01"; month < "2029-01"; month = monthFrom(month, 1)) {
      const weeks = weeksOf(month, first);
      const days = weeks.flat().filter((day) => day !== undefined);
      const last = new Date(`${monthFrom(month, 1)}-01T12:00:00Z`).getTime() - 86_400_000;
      expect(days[0]).toBe(`${month}-01`);
      expect(days.at(-1)).toBe(new Date(last).toISOString().slice(0, 10));
      expect(new Set(days).size).toBe(days.length);
      for (const week of weeks) {
        expect(week).toHaveLength(7);
        expect(week.some((day) => day !== undefined)).toBe(true);
        for (const [place, day] of week.entries()) {
          if (day === undefined) continue;
          expect(new Date(`${day}T12:00:00Z`).getUTCDay()).toBe((first + place) % 7);
        }
      }
    }
  }
});
