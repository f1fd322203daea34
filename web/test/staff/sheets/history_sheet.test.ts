import { expect, it } from "vitest";
import { entryText } from "../../../src/staff/sheets/history_sheet";
import type { HistoryEntry } from "../../../src/client";
import { englishLocale } from "../../../src/language/language";

const ENTRY: HistoryEntry = {
  seq: 4,
  at: "2027-01-04T09:30:00Z",
  command: "slot.book",
  actor: "guest",
  slots: [],
  bookings: [],
};
const SETTING = { zone: "Europe/Vienna", locale: englishLocale(["en"]) };
const told = (entry: Partial<HistoryEntry>) => entryText({ ...ENTRY, ...entry }, SETTING);

it("tells who did what, and when, in the calendar's zone", () => {
  expect(told({})).toMatch(/10:30.*: Booked by a customer$/);
  expect(told({ actor: "staff", sub: "anna", overridden: ["closed", "capacity"] })).toMatch(
    /: Booked by staff \(anna\), over closed, capacity$/,
  );
});

it("tells an owner from where", () => {
  expect(told({ address: "192.0.2.1" })).toMatch(/: Booked by a customer \(192\.0\.2\.1\)$/);
});

it("tells a command that it does not know by its name", () => {
  expect(told({ command: "slot.paint", actor: "outside" })).toMatch(
    /: slot\.paint by another program$/,
  );
});
