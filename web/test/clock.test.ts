import { expect, it } from "vitest";
import { ServerClock } from "../src/client/clock";

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
  const clock = new ServerClock(() => 5);
  clock.observe("soon", 0, 1);
  expect([clock.isKnown, clock.now()]).toEqual([false, 5]);
});
