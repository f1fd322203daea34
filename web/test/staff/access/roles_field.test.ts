import { expect, it } from "vitest";
import { isOwner, mayChange, type Roles } from "../../../src/staff/access/access_client.ts";
import { grantsOf, isNamed, offered } from "../../../src/staff/access/calendar_choice.ts";
import { rolesText, sharedRole } from "../../../src/staff/access/roles_field.ts";

const ROOMS = [
  { id: "a", name: "Room A" },
  { id: "b", name: "Room B" },
];
const session = (roles: Roles) => ({ subject: "Anna", roles, expires_at: null });

it("offers the calendars that an owner may give, by name", () => {
  expect(grantsOf(session({ "*": "owner" }), ROOMS)).toEqual({ hasAll: true, calendars: ROOMS });
  expect(grantsOf(session({ a: "viewer", b: "owner" }), ROOMS)).toEqual({
    hasAll: false,
    calendars: [{ id: "b", name: "Room B" }],
  });
});

it("keeps a calendar of the account that is not offered", () => {
  expect(offered(ROOMS, { "*": "viewer", b: "staff", later: "staff" })).toEqual([
    ...ROOMS,
    { id: "later", name: "later" },
  ]);
});

it("filters calendars by name and id", () => {
  expect(ROOMS.filter((room) => isNamed(room, " room b "))).toEqual([{ id: "b", name: "Room B" }]);
});

it("says the roles of an account", () => {
  expect(rolesText({ "*": "owner" }, ROOMS)).toBe("owner of all calendars");
  expect(rolesText({ a: "staff", b: "viewer", c: "staff" }, ROOMS)).toBe(
    "staff of Room A, c; viewer of Room B",
  );
});

it("tells who may change a calendar, and who gives rights", () => {
  expect(mayChange({ a: "staff", "*": "viewer" }, "a")).toBe(true);
  expect(mayChange({ a: "staff", "*": "viewer" }, "b")).toBe(false);
  expect(mayChange({ "*": "owner" }, "b")).toBe(true);
  expect([isOwner({ a: "owner" }), isOwner({ a: "owner" }, true)]).toEqual([true, false]);
});

it("has no role to begin with where an account has several", () => {
  expect(sharedRole({ a: "viewer", b: "viewer" })).toBe("viewer");
  expect(sharedRole({ "*": "owner" })).toBe("owner");
  expect(sharedRole({ a: "viewer", b: "staff" })).toBeUndefined();
});
