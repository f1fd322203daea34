import { expect, it, vi } from "vitest";
import { ServerClock } from "../../../src/client/transports/clock";

const at = (ms: number) => new Date(ms).toISOString();

it("takes the middle of the round trip as the moment the server wrote", () => {
  const clock = new ServerClock(() => 10_000);
  clock.observe(at(70_100), 10_000, 10_200);
  expect([clock.offset_ms, clock.now()]).toEqual([60_000, 70_000]);
});

it("keeps the surest sample against slower ones that agree with it", () => {
  const clock = new ServerClock(() => 0);
  clock.observe(at(1_010), 0, 20);
  clock.observe(at(2_700), 1_000, 2_200);
  expect(clock.offset_ms).toBe(1_000);
});

it("follows when a slower sample contradicts it: the local clock was set", () => {
  const clock = new ServerClock(() => 0);
  clock.observe(at(1_010), 0, 20);
  clock.observe(at(2_000), 600_000, 600_400);
  expect(clock.offset_ms).toBe(2_000 - 600_200);
});

it("ignores what is no time", () => {
  const clock = new ServerClock(
    () => 5,
    () => 7_000,
  );
  clock.observe("soon", 0, 1);
  expect([clock.isKnown, clock.now()]).toEqual([false, 7_000]);
});

it("is moved by nothing that is done to the device's own clock", () => {
  vi.useFakeTimers();
  vi.setSystemTime(Date.parse("2026-11-23T12:00:00Z"));
  const clock = new ServerClock();
  const sent = clock.local();
  clock.observe("2026-11-23T12:00:00Z", sent, sent);
  for (const set of ["2026-11-23T12:10:00Z", "2020-01-01T00:00:00Z", "2031-01-01T00:00:00Z"]) {
    vi.setSystemTime(Date.parse(set));
    expect(at(clock.now())).toBe("2026-11-23T12:00:00.000Z");
  }
  vi.useRealTimers();
});

it("follows a change that is later than it thinks: its own time stood still in a sleep", () => {
  const clock = new ServerClock(() => 1_000);
  clock.observe(at(61_000), 1_000, 1_000);
  clock.passed(at(400_000));
  expect(clock.now()).toBe(400_000);
  clock.passed(at(399_000));
  clock.passed("soon");
  expect(clock.now()).toBe(400_000);
  clock.observe(at(400_300), 1_000, 1_000);
  expect(clock.now()).toBe(400_300);
});
