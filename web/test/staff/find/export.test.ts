import { describe, expect, it } from "vitest";
import type { ListedBooking } from "../../../src/client";
import { toCsv, toJson } from "../../../src/staff/find/export";

const booking = {
  id: "b-1",
  calendar: "room",
  slot: "s-1",
  seats: 2,
  status: "confirmed",
  customer: { name: 'Ada "A", B', phone: "+43 1 234", note: "two\nlines" },
  created_at: "2027-01-01T00:00:00Z",
  updated_at: "2027-01-02T00:00:00Z",
  start: "2027-03-01T09:00:00Z",
  end: "2027-03-01T10:00:00Z",
  version: 1,
} as ListedBooking;

describe("a file of bookings", () => {
  it("quotes what would break a row, and keeps a phone number", () => {
    const [head, row] = toCsv([booking]).split("\r\n");
    expect(head).toBe(
      "calendar,start,end,status,name,email,phone,note,seats,created_at,updated_at,id",
    );
    expect(row).toContain('"Ada ""A"", B",,+43 1 234,"two\nlines",2');
  });

  it("has no formula for a spreadsheet", () => {
    for (const name of ["=1+1", "@SUM(A1)", "-2+3=cmd", "+cmd|' /C calc'!A0", "＝1+1"]) {
      expect(toCsv([{ ...booking, customer: { name } }])).toContain(`'${name}`);
    }
  });

  it("has no formula for a spreadsheet that divides it at semicolons", () => {
    const file = toCsv([
      {
        ...booking,
        customer: { name: "Ada;=cmd|' /C calc'!A0;x", note: "a\n@SUM(A1)\n+43 1 234; b" },
      },
    ]);
    expect(file).not.toMatch(/[;\n] *[=+\-@]/);
    expect(file).toContain("Ada;'=cmd|' /C calc'!A0;x");
    expect(file).toContain("; b");
  });

  it("has an erased customer as nothing", () => {
    const erased = { ...booking, customer: null };
    expect(toCsv([erased])).toContain("confirmed,,,,,2");
    expect(JSON.parse(toJson([erased])).bookings[0].customer).toBeNull();
  });
});
