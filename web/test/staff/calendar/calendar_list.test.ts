import { expect, it } from "vitest";
import type { CalendarInfo, StaffClient } from "../../../src/client/index.ts";
import type { Roles } from "../../../src/staff/access/access_client.ts";
import { CalendarList } from "../../../src/staff/calendar/calendar_list.ts";

const info = (id: string, name: string, archived = false) =>
  ({ id, name, archived }) as CalendarInfo;

const listOf = (calendars: readonly CalendarInfo[], roles: Roles) =>
  new CalendarList({ calendars: async () => calendars } as unknown as StaffClient, () => ({
    subject: "Ada",
    roles,
    expires_at: null,
  }));

it("has the calendars of the caller's roles, with numbers in names by their value", async () => {
  const all = [info("a", "Room 10"), info("b", "Room 2"), info("c", "Elsewhere")];
  const ids = async (roles: Roles) => {
    const list = listOf(all, roles);
    await list.read();
    return list.all?.map(({ id }) => id);
  };
  expect(await ids({ "*": "viewer" })).toEqual(["c", "b", "a"]);
  expect(await ids({ a: "staff", b: "viewer" })).toEqual(["b", "a"]);
  expect(await ids({ other: "owner" })).toEqual([]);
});

it("says whether a reading has changed it, and falls back to the first one in use", async () => {
  const calendars = [info("a", "A", true), info("b", "B")];
  const list = listOf(calendars, { "*": "owner" });
  expect(list.known("b")).toBeUndefined();
  expect([await list.read(), await list.read()]).toEqual([true, false]);
  calendars.push(info("c", "C"));
  expect(await list.read()).toBe(true);
  expect([list.known("c")?.id, list.known("gone")?.id, list.openCount]).toEqual(["c", "b", 2]);
});
