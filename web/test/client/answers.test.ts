/** Only the server's own answers are believed; whatever else comes, the server was not reached. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Calendar } from "../../src/client/calendar";
import { Connection } from "../../src/client/connection/connection";
import { RequestClient } from "../../src/client/request_client";
import { listCalendars } from "../../src/client/list";
import { isAbout, isSubscribed, readAck } from "../../src/client/shape";
import { openOneWayLink } from "../../src/client/transports/one_way_link";
import { FOREIGN } from "../support/foreign";
import { booking, change, hold, refusal, snapshot } from "../support/make";
import { FakeEnvironment, FakeNetwork } from "../support/network";

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const foreign = Object.entries(FOREIGN);

let connection: Connection;
let calendar: Calendar;

/** Commands go over HTTP: the link brings only. */
async function start(): Promise<void> {
  const network = new FakeNetwork();
  const open: typeof network.open = async (transport, setting, events) => {
    const link = await network.open(transport, setting, events);
    return Object.assign(link, { request: undefined });
  };
  connection = new Connection(new URL("http://here.test"), {
    open,
    environment: new FakeEnvironment(),
  });
  calendar = new Calendar("demo", connection, new RequestClient(connection));
  await pass(0);
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0.5);
});

afterEach(() => {
  connection?.close();
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const COMMANDS: Readonly<Record<string, () => Promise<unknown>>> = {
  hold: () => calendar.hold("s"),
  extend: () => calendar.extend(hold),
  release: () => calendar.release(hold),
  book: () => calendar.book("s", { customer: { name: "Ada" } }),
  cancel: () => calendar.cancel(booking),
  reschedule: () => calendar.reschedule(booking, "other"),
};

it("is about the booking or hold that was asked for, and a cancelled one is cancelled", () => {
  const about = (name: string, fields: object, answer: object) =>
    isAbout(name, { ...fields }, { ...answer });
  const cancelled = { ...booking, status: "cancelled" };
  expect(about("booking.cancel", { booking: "b" }, { booking: cancelled })).toBe(true);
  expect(about("booking.cancel", { booking: "b" }, { booking })).toBe(false);
  expect(about("booking.cancel", { booking: "x" }, { booking: cancelled })).toBe(false);
  expect(about("booking.get", { booking: "x" }, { booking })).toBe(false);
  expect(about("hold.extend", { hold: "x" }, { hold })).toBe(false);
  expect(about("hold.extend", { hold: hold.id }, { hold })).toBe(true);
  expect(about("slot.hold", { slot: "s" }, { hold })).toBe(true);
});

describe.each(Object.entries(COMMANDS))("%s", (name, command) => {
  const done = name === "cancel" ? { ...booking, status: "cancelled" } : booking;

  it.each(foreign)("is asked again under the same key after %s", async (_what, answer) => {
    await start();
    const keys = new Set<string | null>();
    let answers = 0;
    vi.stubGlobal("fetch", async (_url: URL, init: RequestInit) => {
      keys.add(new Headers(init.headers).get("Idempotency-Key"));
      answers += 1;
      return answers <= 3 ? answer() : Response.json({ cursor: "1.n", hold, booking: done });
    });
    let ended: unknown;
    command().then(
      () => (ended = "done"),
      (error: unknown) => (ended = error),
    );
    await pass(0);
    expect(ended).toBeUndefined();
    await pass(10_000);
    expect([ended, answers, keys.size]).toEqual(["done", 4, 1]);
  });

  it("is refused by the server's own refusal at once", async () => {
    await start();
    vi.stubGlobal("fetch", async () => refusal(404, "not_found"));
    await expect(command()).rejects.toMatchObject({ code: "not_found" });
  });
});

it.each(foreign)("a list of calendars is not read from %s", async (_what, answer) => {
  vi.stubGlobal("fetch", async () => answer());
  await expect(listCalendars("http://here.test")).rejects.toMatchObject({ code: "unreachable" });
});

it.each(foreign)("a booking is not read from %s", async (_what, answer) => {
  await start();
  vi.stubGlobal("fetch", async () => answer());
  let ended: unknown;
  calendar.booking(booking).catch((error: unknown) => (ended = error));
  await pass(50_000);
  expect(ended).toMatchObject({ code: "unreachable" });
});

it.each(["sse", "longpoll"] as const)("a calendar over %s is not read from a page", async (by) => {
  for (const [what, answer] of foreign) {
    const isOfCalendar = (url: URL) => url.pathname.includes("/demo");
    vi.stubGlobal("fetch", async (url: URL) =>
      isOfCalendar(url) ? answer() : Response.json({ status: "ok", calendars: [] }),
    );
    const environment = new FakeEnvironment();
    connection = new Connection(new URL("http://here.test"), {
      transports: [by],
      open: openOneWayLink,
      environment,
    });
    calendar = new Calendar("demo", connection, new RequestClient(connection));
    await pass(50);
    expect([what, calendar.refusal, calendar.isLoaded]).toEqual([what, undefined, false]);
    expect([what, connection.status.state]).toEqual([what, "reconnecting"]);
    connection.close();
  }
});

it.each([
  ["nothing", undefined],
  ["null", null],
  ["a text", "ok"],
  ["ok alone", { ok: true }],
  ["half a snapshot", { ok: true, mode: "snapshot", slots: [] }],
  ["slots that are none", { ok: true, mode: "snapshot", ...snapshot(1, [{} as never]) }],
  ["a change that is none", { ok: true, mode: "resumed", ...snapshot(1, []), changes: [{}] }],
  ["a refusal without a code", { ok: false, error: { message: "No." } }],
  ["a refusal without an error", { ok: false }],
])("an acknowledgement with %s is not the server's", (_what, ack) => {
  expect(() => readAck(ack, isSubscribed)).toThrow("could not be reached");
});

it("an acknowledgement of the server's is read", () => {
  const whole = { ok: true, mode: "snapshot", ...snapshot(1, []) };
  const resumed = { ok: true, mode: "resumed", ...snapshot(1, []), changes: [change(1, [])] };
  const error = { code: "forbidden", message: "No.", retryable: false };
  expect(readAck(whole, isSubscribed)).toBe(whole);
  expect(readAck(resumed, isSubscribed)).toBe(resumed);
  expect(() => readAck({ ok: false, error }, isSubscribed)).toThrow("No.");
});
