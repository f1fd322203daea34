import { expect, it } from "vitest";
import { sparkPoints } from "../../../src/staff/server/spark.ts";

it("draws the newest value at the right end, between the bottom and the top", () => {
  expect(sparkPoints([0])).toBe("120.0,27.0");
  expect(sparkPoints([5, 10])).toBe("119.0,14.0 120.0,1.0");
});
