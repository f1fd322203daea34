import { expect, it } from "vitest";
import { isOwner, mayChange } from "../../../src/staff/access/access_client.ts";
import { readIds, rolesText, sharedRole } from "../../../src/staff/access/roles_field.ts";

it("reads ids once each, with commas or spaces between", () => {
  expect(readIds(" room-1, room-2 room-1,")).toEqual(["room-1", "room-2"]);
  expect(readIds(" , ")).toEqual([]);
});

it("says the roles of an account", () => {
  expect(rolesText({ "*": "owner" })).toBe("owner of all calendars");
  expect(rolesText({ a: "staff", b: "viewer", c: "staff" })).toBe("staff of a, c; viewer of b");
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
