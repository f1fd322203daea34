import { expect, it } from "vitest";
import { SlotcastError } from "../../../src/client/error.ts";
import {
  emptyNotice,
  originNotice,
  settledNotice,
  staleNotice,
} from "../../../src/booking/notice/notice";
import { ENGLISH } from "../../../src/language/english";
import { info, slot } from "../../support/make";

it("says nothing of a short break, and something of a long one", () => {
  expect(staleNotice("reconnecting", true, 500, info, false, ENGLISH)).toBe("");
  expect(staleNotice("reconnecting", true, 5_000, info, false, ENGLISH)).toMatch(/catches up/);
  expect(staleNotice("offline", true, 0, info, false, ENGLISH)).toMatch(/offline/);
  expect(staleNotice("live", true, 60_000, info, false, ENGLISH)).toBe("");
});

it("says that it keeps trying where nothing came yet", () => {
  expect(staleNotice("connecting", false, 1_000, undefined, false, ENGLISH)).toBe("");
  expect(staleNotice("reconnecting", false, 9_000, undefined, false, ENGLISH)).toMatch(
    /keeps trying/,
  );
});

it("says beforehand who may not book", () => {
  const closed = { ...info, booking: "token" } as const;
  expect(staleNotice("live", true, 0, closed, false, ENGLISH)).toMatch(/need a link/);
  expect(staleNotice("live", true, 0, closed, true, ENGLISH)).toBe("");
  expect(staleNotice("live", true, 0, { ...info, archived: true }, true, ENGLISH)).toMatch(
    /is closed/,
  );
});

it("explains an empty page by its cause", () => {
  const refusal = (code: "not_found" | "unauthorized") =>
    new SlotcastError({ code, message: "", retryable: false });
  const loaded = { isLoaded: true, slots: [slot("a", 9)] };
  expect(emptyNotice(loaded, refusal("not_found"), 0, false, ENGLISH)?.title).toMatch(/no such/);
  expect(emptyNotice(loaded, refusal("unauthorized"), 0, false, ENGLISH)?.title).toMatch(/private/);
  const passing = new SlotcastError({ code: "overloaded", message: "", retryable: true });
  expect(emptyNotice(loaded, passing, 0, false, ENGLISH)?.title).toBe("Not just now");
  expect(emptyNotice(loaded, undefined, 0, true, ENGLISH)?.title).toBe("Nothing is free");
  expect(emptyNotice({ isLoaded: true, slots: [] }, undefined, 0, false, ENGLISH)?.title).toMatch(
    /No times/,
  );
  expect(emptyNotice(loaded, undefined, 1, false, ENGLISH)).toBeUndefined();
  expect(emptyNotice({ isLoaded: false, slots: [] }, undefined, 0, false, ENGLISH)).toBeUndefined();
});

it("names the setting that keeps a page of another origin out", () => {
  const notice = originNotice("https://slots.example.org", "https://shop.example", ENGLISH);
  expect(notice.title).toMatch(/slots\.example\.org/);
  expect(notice.text).toMatch(/https:\/\/shop\.example to SLOTCAST_ORIGINS/);
  expect(originNotice("https://slots.example.org", "null", ENGLISH).text).toMatch(
    /opened as a file/,
  );
});

it("tells the outcome of a late request, and none that the visitor has given up", () => {
  const times = { slot: "s", start: "", end: "", seats: 1 };
  const pending = { key: "k", what: "hold", tab: "t", at: 0, ...times } as const;
  const hold = { id: "h", slot: "s", seats: 1, token: "t", expires_at: "" };
  const held = { pending, outcome: { hold } };
  expect(settledNotice(held, "At nine", ENGLISH)).toEqual({
    text: "At nine is held for you.",
    tone: "good",
  });
  expect(settledNotice({ pending, outcome: {} }, "At nine", ENGLISH)).toBeUndefined();
  const unwanted = { ...held, pending: { ...pending, isUnwanted: true } };
  expect(settledNotice(unwanted, "At nine", ENGLISH)).toBeUndefined();
  const error = new SlotcastError({ code: "not_found", message: "", retryable: false });
  expect(settledNotice({ pending, error }, "At nine", ENGLISH)?.tone).toBe("bad");
});
