import { describe, expect, it } from "vitest";
import {
  keptText,
  outcomeText,
  planOf,
  problemOf,
  restText,
  type RuleHours,
} from "../../../src/staff/schedule/schedule";
import { type Plan, type Schedule, scheduleOf } from "../../../src/staff/schedule/schedule";

const today = "2026-11-24";
const given: Schedule = {
  windows: [
    { days: ["mon", "tue", "fri"], start: "09:00", end: "12:00" },
    { days: ["mon"], start: "13:00", end: "17:30" },
    { days: ["sat"], start: "18:00", end: "24:00" },
    { days: ["sun"], start: "22:00", end: "02:00" },
  ],
  slot_minutes: 45,
  capacity: 3,
  from: "2026-12-01",
  until: "2027-12-31",
  horizon_days: 60,
  closed: ["2026-12-25", { from: "2027-08-01", until: "2027-08-21" }],
};

const withHours = (hours: Plan["week"]["mon"]): Plan => {
  const plan = planOf(given, today);
  return { ...plan, week: { ...plan.week, mon: hours } };
};

describe("opening hours in the form", () => {
  it("come back as they were given", () => {
    expect(scheduleOf(planOf(given, today), given)).toEqual(given);
  });

  it("share a window where days have the same hours", () => {
    const { windows } = scheduleOf(planOf(null, today), null);
    expect(windows).toEqual([
      { days: ["mon", "tue", "wed", "thu", "fri"], start: "09:00", end: "17:00" },
    ]);
  });

  it("begin with office hours from today where there are none", () => {
    const { week, ...rest } = planOf(null, today);
    expect(week.sat).toEqual([]);
    expect(rest).toEqual({
      rules: [],
      slot_minutes: 30,
      capacity: 1,
      from: today,
      until: "",
      horizon_days: 90,
      closed: [],
    });
  });

  it("take the server's defaults for what it left out", () => {
    const plan = planOf({ windows: [], slot_minutes: 20, from: today }, today);
    expect([plan.capacity, plan.horizon_days, plan.until, plan.closed]).toEqual([1, 90, "", []]);
  });

  it("keep what they do not show", () => {
    const rule = { rrule: "FREQ=MONTHLY;BYDAY=1SA", start: "10:00", end: "12:00" };
    const extra = [{ date: "2026-12-24", start: "08:00", end: "10:00" }];
    const more = { ...given, windows: [...given.windows, rule], extra, step_minutes: 15 };
    expect(scheduleOf(planOf(more, today), more)).toEqual(more);
    expect(restText(more)).toBe("Kept as it is: 1 extra opening, a start every 15 minutes.");
    expect(restText(given)).toBe("");
  });

  it("change, add and drop hours by a rule", () => {
    const rule = { rrule: "FREQ=MONTHLY;BYDAY=1SA", start: "10:00", end: "24:00", capacity: 3 };
    const other = { rrule: "FREQ=YEARLY", start: "10:00", end: "12:00" };
    const before = { ...given, windows: [rule, ...given.windows, other] };
    const plan = planOf(before, today);
    expect(plan.rules.map(({ end }) => end)).toEqual(["00:00", "12:00"]);
    const fresh = { rrule: "FREQ=DAILY", start: "06:00", end: "07:00" };
    const edited = { ...(plan.rules[0] as RuleHours), start: "11:00" };
    const after = scheduleOf({ ...plan, rules: [edited, fresh] }, before);
    expect(after.windows).toEqual([{ ...rule, start: "11:00" }, ...given.windows, fresh]);
  });

  it("keep windows with settings of their own, and the reason why a range is closed", () => {
    const yoga = { days: ["tue"] as const, start: "18:00", end: "20:00", capacity: 10 };
    const course = { ...yoga, from: "2027-03-01", until: "2027-06-30", data: { room: 2 } };
    const closed = [
      { from: "2027-08-01", until: "2027-08-21", name: "holiday" },
      { from: "2027-12-24", until: "2027-12-24", name: "Christmas Eve" },
    ];
    const extra = [{ date: "2026-12-24", start: "08:00", end: "10:00", slot_minutes: 20 }];
    const more = { ...given, windows: [yoga, ...given.windows, course], closed, extra };
    expect(planOf(more, today).week.tue).toEqual([{ start: "09:00", end: "12:00" }]);
    expect(scheduleOf(planOf(more, today), more)).toEqual(more);
    expect(restText(more)).toBe(
      "Kept as it is: 2 windows with settings of their own, 1 extra opening.",
    );
  });

  it("let go of a last day and of a range's end", () => {
    const plan = { ...planOf(given, today), until: "", closed: [{ from: today, until: "" }] };
    const schedule = scheduleOf(plan, given);
    expect(schedule).not.toHaveProperty("until");
    expect(schedule.closed).toEqual([today]);
  });
});

describe("what cannot be meant", () => {
  it("is hours without a length, but for the whole day", () => {
    expect(problemOf(withHours([{ start: "09:00", end: "09:00" }]))).toContain("Monday");
    expect(problemOf(withHours([{ start: "00:00", end: "00:00" }]))).toBe("");
  });

  it("is hours that overlap, also over midnight", () => {
    const morning = { start: "09:00", end: "12:00" };
    expect(problemOf(withHours([{ start: "11:00", end: "13:00" }, morning]))).toContain("overlap");
    expect(problemOf(withHours([{ start: "12:00", end: "13:00" }, morning]))).toBe("");
    expect(problemOf(withHours([{ start: "08:00", end: "01:00" }, morning]))).toContain("overlap");
    expect(problemOf(withHours([{ start: "22:00", end: "01:00" }, morning]))).toBe("");
  });

  it("is what ends before it begins", () => {
    const plan = planOf(given, today);
    expect(problemOf(plan)).toBe("");
    expect(problemOf({ ...plan, until: "2026-11-30" })).toContain("last day");
    expect(problemOf({ ...plan, closed: [{ from: today, until: "2026-11-01" }] })).toContain(
      "closed",
    );
  });
});

it("says what a schedule does and what it leaves alone", () => {
  const outcome = { cursor: "1.n", opened: 12, removed: 1, updated: 0, kept: [] };
  expect(outcomeText(outcome, false)).toBe("This opens 12 times, removes 1 time.");
  expect(outcomeText(outcome, true)).toBe("Saved: opened 12 times, removed 1 time.");
  expect(outcomeText({ ...outcome, opened: 0, removed: 0 }, false)).toBe("No time would change.");
  expect(keptText(0)).toBe("");
  expect(keptText(1)).toContain("One time does not fit");
});
