import { expect, it } from "vitest";
import { serviceOf } from "../../src/booking/service";

const NONE = { title: "", description: "", price: "", location: "" };

it("reads a service from a slot's data, and nothing from data of another form", () => {
  const data = { title: "Cut", price: 40, location: { room: 2 }, description: null };
  expect(serviceOf({ data })).toEqual({ ...NONE, title: "Cut", price: "40" });
  for (const other of [undefined, null, "Cut", 7, ["Cut"]]) {
    expect(serviceOf({ data: other })).toEqual(NONE);
  }
  expect(serviceOf(undefined)).toEqual(NONE);
});
