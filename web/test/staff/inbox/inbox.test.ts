import { expect, it } from "vitest";
import type { BookingSearch, ListedBooking } from "../../../src/client";
import { Inbox } from "../../../src/staff/inbox/inbox";

const NOW = Date.parse("2027-01-01T00:00:00Z");
const booking = (id: string, version = 1, status = "pending", start = "2027-02-01T09:00:00Z") =>
  ({ id, version, status, start, end: start, calendar: "room" }) as ListedBooking;

function make(...answers: readonly (readonly ListedBooking[])[]) {
  const searches: BookingSearch[] = [];
  const fresh: string[][] = [];
  let now = NOW;
  const inbox = new Inbox({
    find: async (search) => {
      searches.push(search);
      return { bookings: answers[searches.length - 1] ?? [], from: "", to: "" };
    },
    now: () => now,
    changed: (some) => fresh.push(some.map(({ id }) => id)),
  });
  const at = (later: string) => {
    now = Date.parse(later);
  };
  return { inbox, searches, fresh, at };
}

it("reads every request first, and then what has changed", async () => {
  const { inbox, searches, fresh } = make(
    [booking("b"), booking("a", 1, "pending", "2027-01-05T09:00:00Z")],
    [booking("a", 2, "confirmed"), booking("c")],
  );
  await inbox.refresh();
  expect(inbox.waiting.map(({ id }) => id)).toEqual(["a", "b"]);
  await inbox.refresh();
  expect(inbox.waiting.map(({ id }) => id)).toEqual(["b", "c"]);
  expect(fresh).toEqual([[], ["c"]]);
  expect(searches[0]).toMatchObject({ status: "pending" });
  expect(searches[1]?.updated_after).toBe("2026-12-31T23:59:00.000Z");
});

it("never goes back to an older version", async () => {
  const { inbox } = make([booking("a", 3)], [booking("a", 3)]);
  await inbox.refresh();
  inbox.take([{ ...booking("a", 4, "rejected"), slot: "s" }]);
  expect(inbox.waiting).toEqual([]);
  await inbox.refresh();
  expect(inbox.waiting).toEqual([]);
});

it("drops a request at its start", async () => {
  const { inbox, at } = make([booking("a")]);
  await inbox.refresh();
  at("2027-02-01T08:59:59.999Z");
  expect(inbox.waiting).toHaveLength(1);
  at("2027-02-01T09:00:00Z");
  expect(inbox.waiting).toHaveLength(0);
});

it("follows a request into another calendar, whose versions are lower", async () => {
  const moved = { ...booking("a", 2, "confirmed"), calendar: "other" };
  const { inbox } = make([booking("a", 9)], [moved]);
  await inbox.refresh();
  await inbox.refresh();
  expect(inbox.waiting).toEqual([]);
});
