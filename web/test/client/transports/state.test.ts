import { expect, it } from "vitest";
import { newKey } from "../../../src/client/key";
import { move } from "../../../src/client/transports/state";

it("refuses a move out of closed", () => {
  const closed = { state: "closed", reason: "ended" } as const;
  expect(() => move(closed, { state: "live", reason: "opened" })).toThrow(/closed to live/);
});

it("makes keys of at least 22 characters, never the same", () => {
  const keys = new Set(Array.from({ length: 100 }, newKey));
  expect(keys.size).toBe(100);
  for (const key of keys) expect(key).toMatch(/^[\w-]{22,}$/);
});
