import { describe, expect, it } from "vitest";
import { calendarOf, homeOf } from "../../src/address/home";

describe("the address of the server", () => {
  it("is the path before the page's own", () => {
    for (const home of ["", "/slots", "/a/b", "/staff"]) {
      expect(homeOf(`${home}/`)).toBe(home);
      expect(homeOf(`${home}/staff`)).toBe(home);
      expect(homeOf(`${home}/c/demo`)).toBe(home);
    }
  });

  it("is followed by the calendar", () => {
    expect(calendarOf("/slots/c/room-1")).toBe("room-1");
    expect(calendarOf("/c/c/")).toBe("");
    expect(calendarOf("/slots/")).toBe("");
  });
});
