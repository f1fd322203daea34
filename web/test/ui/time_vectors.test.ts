import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { dayKey, instantOf, isZone, timeText } from "../../src/ui/time";

interface Vector {
  readonly name: string;
  readonly zone: string;
  readonly slots: readonly Record<"start" | "end" | "local_start" | "local_end", string>[];
}

const file = new URL("../../../tests/vectors/schedule.json", import.meta.url);
const { vectors } = JSON.parse(readFileSync(file, "utf8")) as { vectors: readonly Vector[] };
const locale = { language: "en-GB", hour12: false };
const shown = (instant: number, zone: string) =>
  `${dayKey(instant, zone)}T${timeText(instant, zone, locale)}`;
/** Without the offset of an hour that comes twice. */
const wall = (instant: number, zone: string) => shown(instant, zone).slice(0, 16);

const lacking = [...new Set(vectors.map(({ zone }) => zone))].filter((zone) => !isZone(zone));
if (lacking.length > 0) console.warn(`This runtime's ICU has no ${lacking.join(", ")}: skipped.`);

describe("opening hours' slots, as the server expands them", () => {
  it("has vectors to go by", () => {
    expect(vectors.flatMap(({ slots }) => slots).length).toBeGreaterThan(20);
  });

  it("shows no two times alike", () => {
    for (const { zone, slots } of vectors.filter((one) => !lacking.includes(one.zone))) {
      const times = new Set(slots.flatMap(({ start, end }) => [start, end]));
      expect(new Set([...times].map((time) => shown(Date.parse(time), zone))).size).toBe(
        times.size,
      );
    }
  });

  for (const { name, zone, slots } of vectors) {
    it.skipIf(lacking.includes(zone))(`shows ${name} as the clocks of ${zone} do`, () => {
      for (const { start, end, local_start, local_end } of slots) {
        expect(wall(Date.parse(start), zone)).toBe(local_start);
        expect(wall(Date.parse(end), zone)).toBe(local_end);
      }
    });

    it.skipIf(lacking.includes(zone))(`finds the instants of ${name} again`, () => {
      for (const { start, local_start } of slots) {
        const found = instantOf(local_start, zone);
        // A wall time that comes twice is its first occurrence.
        expect(found).toBeLessThanOrEqual(Date.parse(start));
        expect(wall(found, zone)).toBe(local_start);
      }
    });
  }
});
