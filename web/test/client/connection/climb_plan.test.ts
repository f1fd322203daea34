import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ClimbPlan } from "../../../src/client/connection/climb_plan.ts";

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(1);
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

it("waits longer before each climb, until it is reset", () => {
  const climbed = vi.fn();
  const plan = new ClimbPlan(climbed);
  for (const wait of [1_500, 2_500]) {
    plan.plan();
    vi.advanceTimersByTime(wait - 1);
    expect(plan.isPlanned).toBe(true);
    vi.advanceTimersByTime(1);
    expect(plan.isPlanned).toBe(false);
  }
  expect(climbed).toHaveBeenCalledTimes(2);
  plan.reset();
  plan.plan();
  vi.advanceTimersByTime(1_500);
  expect(climbed).toHaveBeenCalledTimes(3);
});

it("plans one climb at a time, and none once cancelled", () => {
  const climbed = vi.fn();
  const plan = new ClimbPlan(climbed);
  plan.plan();
  plan.plan();
  vi.advanceTimersByTime(1_500);
  expect(climbed).toHaveBeenCalledTimes(1);
  plan.plan();
  plan.cancel();
  expect(plan.isPlanned).toBe(false);
  vi.advanceTimersByTime(10_000);
  expect(climbed).toHaveBeenCalledTimes(1);
});
