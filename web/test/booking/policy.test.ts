import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { canLeave, clockRefusal, holdText } from "../../src/booking/policy";
import { canTake, note } from "../../src/booking/board/slot_cell";
import { ENGLISH } from "../../src/language/english";
import { info, slot } from "../support/make";

interface Vector {
  readonly policy: Partial<typeof info.policy>;
  readonly ahead_ms: number;
  readonly take: "" | "past" | "min_notice" | "max_advance";
  readonly leave: boolean;
}

const file = new URL("../../../tests/vectors/policy.json", import.meta.url);
const { vectors } = JSON.parse(readFileSync(file, "utf8")) as { vectors: readonly Vector[] };
const SAID = { "": undefined, past: "started", min_notice: "tooSoon", max_advance: "notYet" };

describe("a policy's boundaries, as the server has them", () => {
  for (const { policy: given, ahead_ms, take, leave } of vectors) {
    it(`${JSON.stringify(given)} at ${ahead_ms} ms`, () => {
      const policy = { ...info.policy, ...given };
      const one = slot("a", 9);
      const now = Date.parse(one.start) - ahead_ms;
      expect(clockRefusal(one, policy, now)).toBe(SAID[take]);
      const state = { slot: one, mark: undefined, policy, isArchived: false, isPending: false };
      expect(canTake(state, now)).toBe(take === "");
      expect(canLeave(Date.parse(one.start), policy, now)).toBe(leave);
    });
  }
});

it("offers nothing in an archived calendar, and does not call it free", () => {
  const { policy } = info;
  const one = slot("a", 9, { capacity: 3, remaining: 2, bookable: false });
  const now = Date.parse(one.start) - 3_600_000;
  const state = { slot: one, mark: undefined, policy, isArchived: true, isPending: false };
  expect(canTake(state, now)).toBe(false);
  expect(note(state, now, ENGLISH)).toBe("Closed");
  // An older server's slots, or a change that is still on its way.
  expect(canTake({ ...state, slot: slot("a", 9) }, now)).toBe(false);
});

it("says how long a hold lasts, to the second", () => {
  const said = [30, 60, 90, 300, 1_800].map((seconds) => holdText(seconds, ENGLISH));
  expect(said).toEqual([
    "30 seconds",
    "1 minute",
    "1 minute 30 seconds",
    "5 minutes",
    "30 minutes",
  ]);
});

it("leaves it to the server where it is not known when a booking is", () => {
  expect(canLeave(Number.NaN, info.policy, 0)).toBe(true);
});
