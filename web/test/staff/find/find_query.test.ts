import { expect, it } from "vitest";
import { queryOf, readFind, searchOf } from "../../../src/staff/find/find_query";

it("comes back from the address as it went there", () => {
  const find = {
    ...{ q: "Ada & Co", status: "no_show", from: "2027-03-01", to: "2027-03-02" },
    isEverywhere: true,
  };
  expect(readFind(`?${new URLSearchParams(queryOf(find))}`)).toEqual(find);
});

it("leaves out what is no filter", () => {
  const find = readFind("?q=&status=nonsense&from=2027-02-30&in=some");
  expect(find).toEqual({ q: "", status: "", from: "", to: "", isEverywhere: false });
  expect(searchOf(find, "room", "UTC")).toEqual({ calendar: "room" });
});

it("asks for whole days on the calendar's clocks", () => {
  const find = { ...readFind("?from=2027-03-27&to=2027-03-28"), isEverywhere: true };
  expect(searchOf(find, "room", "Europe/Vienna")).toEqual({
    from: "2027-03-26T23:00:00.000Z",
    to: "2027-03-28T22:00:00.000Z",
  });
});
