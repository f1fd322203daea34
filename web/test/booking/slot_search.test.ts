import { expect, it } from "vitest";
import type { Slot } from "../../src/client";
import { findTimes } from "../../src/booking/slot_search";
import { slot } from "../support/make";

const at = (days: number) =>
  new Date(Date.parse("2026-11-24T00:00:00Z") + days * 86_400_000).toISOString();

/** A server that covers `most_days` at a time, as one that cuts a snapshot short. */
function looker(slots: readonly Slot[], most_days: number) {
  const looks: string[] = [];
  const look = (from: string, to: string) => {
    looks.push(from);
    const cut = new Date(Math.min(Date.parse(to), Date.parse(from) + most_days * 86_400_000));
    const covered = slots.filter((one) => one.start < cut.toISOString() && one.end > from);
    return Promise.resolve({ slots: covered, to: cut.toISOString() });
  };
  return { look, looks };
}

const wanted = slot("far", 9, { start: at(300), end: at(301) });

it("finds a slot beyond where a snapshot was cut", async () => {
  const { look, looks } = looker([wanted], 120);
  expect(await findTimes(look, "far", at(0))).toBe(wanted);
  expect(looks).toHaveLength(3);
});

it("looks back a little for what is over", async () => {
  const past = slot("past", 9, { start: at(-20), end: at(-19) });
  expect(await findTimes(looker([past], 5_000).look, "past", at(0))).toBe(past);
});

it("gives up on a slot that is no more, also where the server stands still", async () => {
  expect(await findTimes(looker([wanted], 400).look, "gone", at(0))).toBeUndefined();
  const { look, looks } = looker([], 0);
  expect(await findTimes(look, "gone", at(0))).toBeUndefined();
  expect(looks).toHaveLength(2);
});
