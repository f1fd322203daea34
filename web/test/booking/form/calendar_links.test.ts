import { expect, it } from "vitest";
import { googleLink, outlookLink } from "../../../src/booking/form/calendar_links";

const appointment = {
  title: "Cut & wash · Rosa’s",
  start: "2027-01-31T09:00:00Z",
  end: "2027-01-31T09:30:00Z",
  place: "Main street 1, Wien",
  page: "https://slots.example.org/c/rosa",
};

it("names the title, the times in UTC, the place and the calendar's page", () => {
  const google = new URL(googleLink(appointment)).searchParams;
  expect(google.get("text")).toBe(appointment.title);
  expect(google.get("dates")).toBe("20270131T090000Z/20270131T093000Z");
  expect(google.get("location")).toBe(appointment.place);
  const outlook = new URL(outlookLink(appointment)).searchParams;
  expect(outlook.get("subject")).toBe(appointment.title);
  expect(outlook.get("startdt")).toBe("2027-01-31T09:00:00.000Z");
  expect(outlook.get("body")).toBe(appointment.page);
  expect(new URL(googleLink({ ...appointment, place: "" })).searchParams.has("location")).toBe(
    false,
  );
});
