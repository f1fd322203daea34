import { expect, it } from "vitest";
import { ceiling_ms, delay_ms } from "../../../src/client/connection/backoff";

const setting = { first_ms: 500, most_ms: 15_000 };

it("doubles the ceiling until the most, and never overflows", () => {
  expect([0, 1, 2, 5, 1_000].map((attempt) => ceiling_ms(setting, attempt))).toEqual([
    500, 1_000, 2_000, 15_000, 15_000,
  ]);
});

it("spreads waits over everything from nothing to the ceiling", () => {
  expect(delay_ms(setting, 2, () => 0)).toBe(0);
  expect(delay_ms(setting, 2, () => 0.5)).toBe(1_000);
  expect(delay_ms(setting, 2, () => 0.999_999)).toBe(2_000);
});
