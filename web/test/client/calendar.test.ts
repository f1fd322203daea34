import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Calendar } from "../../src/client/calendar";
import { Connection } from "../../src/client/connection/connection";
import { RequestClient } from "../../src/client/request_client";
import { StaffCalendar } from "../../src/client/staff";
import { change, slot, snapshot } from "../support/make";
import { FakeEnvironment, FakeNetwork } from "../support/network";

let network: FakeNetwork;
let connection: Connection;
let calendar: Calendar;

const answers: Record<string, object> = {
  "slot.hold": { cursor: "7.n", hold: { id: "h", slot: "a", seats: 1, token: "t" } },
  "booking.reschedule": {
    cursor: "40.n",
    booking: { id: "b", calendar: "other", slot: "a", seats: 1, status: "confirmed" },
    left: { calendar: "demo", cursor: "9.n" },
  },
};

beforeEach(async () => {
  vi.useFakeTimers();
  network = new FakeNetwork();
  const environment = new FakeEnvironment();
  connection = new Connection(new URL("http://here.test"), { open: network.open, environment });
  calendar = new Calendar("demo", connection, new RequestClient(connection));
  await vi.advanceTimersByTimeAsync(0);
  network.link.answer = async (name) => ({ ...answers[name] });
});

afterEach(() => {
  connection.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it("asks whichever server it comes to for what it was answered", async () => {
  await calendar.hold("a");
  expect(calendar.position()).toMatchObject({ after: "0.n", at_least: "7.n" });
});

it("asks for nothing once the change has come", async () => {
  await calendar.hold("a");
  for (let seq = 1; seq <= 7; seq += 1) network.link.change(change(seq, [slot("a", 9)]));
  expect(calendar.position()).not.toHaveProperty("at_least");
});

it("keeps its own calendar's cursor when a booking moves to another one", async () => {
  await calendar.reschedule({ id: "b", token: "t" }, "a");
  expect(calendar.position()).toMatchObject({ at_least: "9.n" });
});

it.each(["dispose", "close"] as const)("ends the subscription by %s()", (name) => {
  const heard = vi.fn();
  calendar.subscribe(heard);
  calendar[name]();
  network.link.change(change(1, [slot("a", 9)]));
  expect(heard).not.toHaveBeenCalled();
});

it.each(["openSlots", "open"] as const)("opens slots by %s()", async (name) => {
  const staff = new StaffCalendar("demo", connection, new RequestClient(connection));
  network.link.answer = async () => ({ cursor: "1.n", slots: [slot("a", 1)] });
  const wanted = { start: "2026-11-24T09:00:00Z", end: "2026-11-24T10:00:00Z" };
  expect(await staff[name]([wanted])).toHaveLength(1);
  const [asked, fields] = network.link.asked.at(-1) ?? [];
  expect([asked, fields]).toMatchObject(["slot.open", { calendar: "demo", slots: [wanted] }]);
});

it("reads the opening hours after those that are being set", async () => {
  const staff = new StaffCalendar("demo", connection, new RequestClient(connection));
  let save = (): void => {};
  network.link.answer = () =>
    new Promise((resolve) => {
      save = () => resolve({ cursor: "1.n", schedule: {} });
    });
  const fetching = vi.fn(async () => Response.json({ schedule: null }));
  vi.stubGlobal("fetch", fetching);
  const setting = staff.setSchedule({ from: "2026-11-24" });
  const reading = staff.schedule();
  await vi.advanceTimersByTimeAsync(0);
  expect(fetching).not.toHaveBeenCalled();
  save();
  await setting;
  expect(await reading).toBeNull();
});

/** A calendar whose link answers no subscription, and the answer to its request over HTTP. */
function startSilent() {
  let bring = (_: object): void => {};
  vi.stubGlobal(
    "fetch",
    () =>
      new Promise<Response>((resolve) => {
        bring = (body) => resolve(Response.json(body));
      }),
  );
  network.onSubscribe = () => {};
  const early = new Calendar("demo", connection, new RequestClient(connection));
  return { early, bring: (body: object) => bring(body) };
}

it("has the slots of an answer over HTTP before its link, which goes on from their cursor", async () => {
  const { early, bring } = startSilent();
  const heard = vi.fn();
  early.subscribe(heard);
  const reading = early.readAhead();
  await vi.advanceTimersByTimeAsync(0);
  bring(snapshot(5, [slot("a", 9)]));
  await reading;
  expect([early.slots.length, early.position().after]).toEqual([1, "5.n"]);
  expect(heard).toHaveBeenCalledExactlyOnceWith({ kind: "snapshot" });
});

it.each([
  ["drops a snapshot of the link with the same cursor", 5, undefined, 1],
  ["takes a later one", 6, undefined, 2],
  ["takes one with bookings", 5, [], 2],
] as const)("after an answer over HTTP %s", async (_, seq, bookings, snapshots) => {
  const { early, bring } = startSilent();
  const heard = vi.fn();
  early.subscribe(heard);
  const reading = early.readAhead();
  await vi.advanceTimersByTimeAsync(0);
  bring(snapshot(5, [slot("a", 9)]));
  await reading;
  const late = { ...snapshot(seq, [slot("a", 9)]), ...(bookings && { bookings }) };
  early.deliver({ kind: "snapshot", snapshot: late });
  expect(heard).toHaveBeenCalledTimes(snapshots);
  early.window(undefined, "2027-01-01T00:00:00Z");
  early.deliver({ kind: "snapshot", snapshot: late });
  expect(heard).toHaveBeenCalledTimes(snapshots + 1);
});

it.each(["a snapshot of the link", "another window"])("drops an answer after %s", async (what) => {
  const { early, bring } = startSilent();
  const reading = early.readAhead();
  await vi.advanceTimersByTimeAsync(0);
  if (what === "another window") early.window("2027-01-01T00:00:00Z", undefined);
  else early.deliver({ kind: "snapshot", snapshot: snapshot(7, []) });
  const before = early.seq;
  bring(snapshot(5, [slot("a", 9)]));
  await reading;
  expect([early.seq, early.slots]).toEqual([before, []]);
});
