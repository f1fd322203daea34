import { afterEach, expect, it, vi } from "vitest";
import { dayKey, instantOf, isSameClock, isZone, timeText, zoneText } from "../../src/ui/time";
import { knownOffset, learnOffsets } from "../../src/ui/zone_data";

const CLOCK = { language: "en-GB", hour12: false };
const at = (text: string) => Date.parse(text);

afterEach(() => vi.restoreAllMocks());

it("shows times by the server's offsets where the browser's zone data differ", () => {
  // As if Vienna had stopped to set its clocks: the server knows, and this browser does not.
  const summer = [{ from: "2027-01-01T00:00:00Z", seconds: 3_600 }];
  learnOffsets("Europe/Vienna", summer, "2027-12-31T00:00:00Z");
  const instant = at("2027-07-01T22:30:00Z");
  expect(timeText(instant, "Europe/Vienna", CLOCK)).toBe("23:30");
  expect(dayKey(instant, "Europe/Vienna")).toBe("2027-07-01");
  expect(zoneText("Europe/Vienna", instant)).toBe("Vienna, GMT+1");
  expect(instantOf("2027-07-01T23:30", "Europe/Vienna")).toBe(instant);
  // The server has told nothing of another year.
  expect(timeText(at("2028-07-01T10:00:00Z"), "Europe/Vienna", CLOCK)).toBe("12:00");
});

it("takes the offset that holds at the instant", () => {
  const offsets = [
    { from: "2027-03-01T00:00:00Z", seconds: 19_800 },
    { from: "2027-03-28T01:00:00Z", seconds: -12_600 },
  ];
  learnOffsets("America/Coyhaique", offsets, "2027-05-01T00:00:00Z");
  expect(knownOffset("America/Coyhaique", at("2027-03-28T00:59:59Z"))).toBe(19_800_000);
  expect(zoneText("America/Coyhaique", at("2027-03-27T00:00:00Z"))).toBe("Coyhaique, GMT+5:30");
  expect(zoneText("America/Coyhaique", at("2027-04-01T00:00:00Z"))).toBe("Coyhaique, GMT-3:30");
});

it("shows a zone that the browser lacks, also outside of the window", () => {
  expect(isZone("Mars/Olympus_Mons")).toBe(false);
  const offsets = [{ from: "2027-03-01T00:00:00Z", seconds: 7_200 }];
  learnOffsets("Mars/Olympus_Mons", offsets, "2027-04-01T00:00:00Z");
  expect(isZone("Mars/Olympus_Mons")).toBe(true);
  expect(timeText(at("2029-01-01T10:00:00Z"), "Mars/Olympus_Mons", CLOCK)).toBe("12:00");
});

it("knows which zones have the same clock", () => {
  const [from, to] = [at("2027-03-01T00:00:00Z"), at("2027-05-01T00:00:00Z")];
  expect(isSameClock("Europe/Berlin", "Europe/Paris", from, to)).toBe(true);
  expect(isSameClock("Asia/Kolkata", "Asia/Calcutta", from, to)).toBe(true);
  // Both are five hours behind in winter; America sets its clocks two weeks before Cuba or never.
  expect(isSameClock("America/New_York", "America/Jamaica", from, to)).toBe(false);
});
