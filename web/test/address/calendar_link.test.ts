import { describe, expect, it } from "vitest";
import { calendarPage, isManageLink, manageLink, readProof } from "../../src/address/calendar_link";

const id = "01977420-0000-7000-8000-000000000900";
const token = "Zm9yIGEgYm9va2luZyBvbg";

describe("the customer's manage link", () => {
  it("is read as it was written, its secret in the fragment only", () => {
    const url = new URL(manageLink("https://book.example.org/c/demo?lang=en", { id, token }));
    expect(readProof(url.hash)).toEqual({ id, token });
    expect(url.pathname + url.search).toBe("/c/demo?lang=en");
  });

  it("may stand beside a calendar's own token", () => {
    expect(readProof(`#token=a.b.c&booking=${id}.${token}`)).toEqual({ id, token });
  });

  it("is nothing where it is damaged or something else", () => {
    for (const bad of ["", "#", "#booking=", `#booking=${id}`, `#booking=${id}.`, "#token=a.b.c"]) {
      expect(readProof(bad)).toBeUndefined();
    }
    expect(readProof(`#booking=../staff.${token}`)).toBeUndefined();
    expect(isManageLink(`#booking=${id}`)).toBe(true);
    expect(isManageLink("#token=a.b.c")).toBe(false);
  });

  it("leads to the calendar's page, also below a prefix", () => {
    expect(calendarPage("https://example.org", "demo").href).toBe("https://example.org/c/demo");
    expect(calendarPage("https://example.org/book/", "a-b").href).toBe(
      "https://example.org/book/c/a-b",
    );
  });
});
