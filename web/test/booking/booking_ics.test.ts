import { describe, expect, it } from "vitest";
import { type IcsBooking, writeBooking } from "../../src/booking/booking_ics";

const booking: IcsBooking = {
  id: "0195e3c0-0000-7000-8000-000000000001",
  status: "confirmed",
  seats: 1,
  start: "2027-03-28T00:30:00Z",
  end: "2027-03-28T01:15:00.500Z",
};
const setting = {
  name: "Shop",
  page: "https://slots.example.org/c/shop",
  now: Date.parse("2027-03-01T12:00:00.789Z"),
};
const read = (text: string) =>
  new Map(
    text
      .replaceAll("\r\n ", "")
      .split("\r\n")
      .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]),
  );

describe("a booking's file", () => {
  it("says what it is, in UTC", () => {
    const lines = read(writeBooking(booking, setting));
    expect(lines.get("UID")).toBe(booking.id);
    expect(lines.get("DTSTART")).toBe("20270328T003000Z");
    expect(lines.get("DTEND")).toBe("20270328T011500Z");
    expect(lines.get("DTSTAMP")).toBe("20270301T120000Z");
    expect(lines.get("SUMMARY")).toBe("Shop");
    expect(lines.get("STATUS")).toBe("CONFIRMED");
    expect(lines.has("DESCRIPTION")).toBe(false);
  });

  it("has a higher SEQUENCE each time, within what the standard allows", () => {
    const sequence = (now: number) =>
      Number(read(writeBooking(booking, { ...setting, now })).get("SEQUENCE"));
    expect(sequence(setting.now + 1_000)).toBeGreaterThan(sequence(setting.now));
    expect(sequence(Date.parse("2090-01-01T00:00:00Z"))).toBeLessThan(2 ** 31);
    expect(sequence(0)).toBe(0);
  });

  it("is tentative while it is pending, and cancelled once it is", () => {
    const of = (status: IcsBooking["status"]) =>
      read(writeBooking({ ...booking, status }, setting));
    expect(of("pending").get("STATUS")).toBe("TENTATIVE");
    expect(of("pending").get("SUMMARY")).toBe("To be confirmed: Shop");
    expect(of("pending").get("DESCRIPTION")).toMatch(/until it is confirmed/);
    expect(of("cancelled").get("STATUS")).toBe("CANCELLED");
    expect(of("rejected").get("STATUS")).toBe("CANCELLED");
  });

  it("cannot be broken out of by a name", () => {
    const names = [
      "a\r\nBEGIN:VALARM\r\nEND:VALARM",
      "b\nSUMMARY:other",
      "c;d,e\\f",
      "\u0000\u0007\u2028\u0085tabs\there",
      "half \ud83d a pair \udca9",
      "予約".repeat(100),
      "💈".repeat(100),
      "x".repeat(66),
      "x".repeat(67),
      "",
    ];
    for (const name of names) {
      const text = writeBooking({ ...booking, seats: 3 }, { ...setting, name });
      const lines = text.split("\r\n");
      expect(lines.pop()).toBe("");
      for (const line of lines) {
        expect(Buffer.byteLength(line)).toBeLessThanOrEqual(75);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: RFC 5545 forbids them in a text.
        expect(line).not.toMatch(/[\u0000-\u001f\u007f]/);
      }
      expect(lines.filter((line) => /^(BEGIN|SUMMARY|END)\b/.test(line))).toHaveLength(5);
      expect(Buffer.from(text).toString()).toBe(text);
    }
  });

  it("comes back whole after unfolding and unescaping", () => {
    const name = "Praxis für Ångström; Koch, Söhne \\ 予約カレンダー 💈 ".repeat(4);
    const summary = read(writeBooking(booking, { ...setting, name })).get("SUMMARY") ?? "";
    expect(summary.replace(/\\(.)/g, "$1")).toBe(name);
  });
});
