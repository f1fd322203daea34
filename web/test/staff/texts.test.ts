import { expect, it } from "vitest";
import { weekTitle } from "../../src/staff/day/day_jump.ts";
import { isolated } from "../../src/staff/texts.ts";

it("keeps a name of the other direction apart, and leaves the others as they are", () => {
  expect(isolated("محمد علي")).toBe("\u2068محمد علي\u2069");
  expect(isolated("רות")).toBe("\u2068רות\u2069");
  expect(isolated("Łukasz Żółć")).toBe("Łukasz Żółć");
});

it("names a week by its first and its last day, from Monday on", () => {
  // The spaces beside the dash differ between versions of Intl.
  const title = (day: string) => weekTitle(day, { language: "en-GB" }).replace(/\s*–\s*/, " – ");
  expect(title("2026-12-02")).toBe("30 November – 6 December 2026");
  expect(title("2027-03-28")).toBe("22 – 28 March 2027");
});
