import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { connect, connectStaff } from "../../src/client";
import { Connection } from "../../src/client/connection/connection";
import { RequestClient } from "../../src/client/request_client";
import { eraseCustomer, findBookings, findSlots } from "../../src/client/search";
import { slot } from "../support/make";
import { FakeEnvironment, FakeNetwork } from "../support/network";

let network: FakeNetwork;
let connection: Connection;
let requests: RequestClient;

beforeEach(async () => {
  vi.useFakeTimers();
  network = new FakeNetwork();
  const environment = new FakeEnvironment();
  connection = new Connection(new URL("http://here.test"), { open: network.open, environment });
  requests = new RequestClient(connection);
  await vi.advanceTimersByTimeAsync(0);
});

afterEach(() => {
  connection.close();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

it("reads slots over HTTP, with the calendars in one parameter", async () => {
  const body = { slots: [{ ...slot("a", 1), calendar: "b" }], server_time: "2027-01-01T00:00:00Z" };
  const fetched = vi.fn(async (_url: URL) => {
    return new Response(JSON.stringify(body), { headers: { "Content-Type": "application/json" } });
  });
  vi.stubGlobal("fetch", fetched);
  const found = await findSlots(requests, { calendars: ["a", "b"], bookable: true, seats: 2 });
  expect(found.slots.map(({ calendar }) => calendar)).toEqual(["b"]);
  const url = new URL(String(fetched.mock.calls[0]?.[0]));
  expect(url.pathname + url.search).toBe("/api/slots?calendars=a%2Cb&bookable=1&seats=2");
});

it("searches bookings, also those of one calendar in a window", async () => {
  network.link.answer = async () => ({ bookings: [], from: "", to: "" });
  await findBookings(requests, { calendar: "a", from: "2027-01-01T00:00:00Z" });
  const [name, fields] = network.link.asked.at(-1) ?? [];
  expect([name, fields]).toMatchObject(["booking.list", { calendar: "a", limit: 100 }]);
});

it("erases page by page to the end", async () => {
  const answers = [
    { erased: 3, calendars: 1, next_page: "p" },
    { erased: 2, calendars: 1 },
  ];
  network.link.answer = async () => ({ ...answers.shift() });
  expect(await eraseCustomer(requests, "ada@example.org")).toBe(5);
  expect(network.link.asked.map(([, fields]) => fields)).toEqual([
    { email: "ada@example.org" },
    { email: "ada@example.org", page: "p" },
  ]);
});

it("gives the search of bookings to staff only", () => {
  const [guest, staff] = [connect("http://here.test"), connectStaff("http://here.test", {})];
  expect([guest, staff].map((client) => "findBookings" in client)).toEqual([false, true]);
  guest.close();
  staff.close();
});
