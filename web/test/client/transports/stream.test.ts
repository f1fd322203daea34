/** One stream of server-sent events for many calendars, against a server that is played by `fetch`. */

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { ServerClock } from "../../../src/client/transports/clock";
import type { Delivery, Link, LinkEvents } from "../../../src/client/transports/link";
import { openStream } from "../../../src/client/transports/stream";
import { change, refusal, slot, snapshot } from "../../support/make";

let asked: URL[];
let bodies: ReadableStreamDefaultController<Uint8Array>[];
let answer: (url: URL) => Response | undefined;
let heard: [string, Delivery["kind"]][];
let lost: string[];
let link: Link;

const write = (text: string) => bodies.at(-1)?.enqueue(new TextEncoder().encode(text));
const event = (name: string, data: object) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
const settle = () => new Promise((resolve) => setTimeout(resolve, 5));
const of = (id: string, seq: number) => {
  const whole = snapshot(seq, []);
  return { ...whole, info: { ...whole.info, id } };
};

beforeEach(async () => {
  [asked, bodies, heard, lost] = [[], [], [], []];
  answer = () => undefined;
  vi.stubGlobal("fetch", async (url: URL, { signal }: RequestInit) => {
    asked.push(url);
    const other = answer(url);
    if (other !== undefined) return other;
    if (url.pathname.endsWith("healthz")) return Response.json({ status: "ok" });
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        bodies.push(controller);
        signal?.addEventListener("abort", () => controller.error(signal.reason));
      },
    });
    return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
  });
  const events: LinkEvents = {
    delivered: (calendar, { kind }) => heard.push([calendar, kind]),
    lost: (reason) => lost.push(reason),
    heard: () => {},
  };
  const setting = {
    ...{ base: new URL("http://here.test"), isStaff: false, token: undefined, open_ms: 1_000 },
    ...{ clock: new ServerClock(), isVisible: () => true, isRenewable: false },
    ...{ signal: new AbortController().signal, calendars: [] },
  };
  link = await openStream("sse", setting, events);
});

afterEach(() => {
  link.close();
  vi.unstubAllGlobals();
});

const streams = () => asked.filter(({ pathname }) => pathname.endsWith("/events"));

it("opens one stream for all calendars, and opens it anew by their cursors", async () => {
  link.subscribe("a", {});
  link.subscribe("b", { after: "4.n" });
  await settle();
  expect(streams().map(({ search }) => search)).toEqual(["?calendars=a%2Cb&after=b%3A4.n&beat=1"]);
  write(event("snapshot", of("a", 7)));
  write("id: a:7.n,b:4.n\n\n");
  await settle();
  expect(heard).toEqual([
    ["a", "snapshot"],
    ["b", "resumed"],
  ]);
  write(`data: ${JSON.stringify({ ...change(5, [slot("s", 9)]), calendar: "b" })}\n\n`);
  await settle();
  link.subscribe("c", {});
  await settle();
  expect(streams()[1]?.searchParams.get("after")).toBe("a:7.n,b:5.n");
  expect(lost).toEqual([]);
});

it("resumes a calendar before its first missed change", async () => {
  link.subscribe("a", { after: "1.n" });
  link.subscribe("b", { after: "1.n" });
  await settle();
  write(`data: ${JSON.stringify({ ...change(2, []), calendar: "b" })}\n\n`);
  await settle();
  expect(heard).toEqual([
    ["b", "resumed"],
    ["b", "change"],
  ]);
});

it("hears of one calendar that it may not see, and follows the other", async () => {
  link.subscribe("a", {});
  link.subscribe("b", {});
  await settle();
  const error = { code: "unauthorized", message: "No.", retryable: false };
  write(event("refused", { calendar: "a", error }) + event("snapshot", of("b", 1)));
  await settle();
  expect(heard).toEqual([
    ["a", "refused"],
    ["b", "snapshot"],
  ]);
});

it("hears of each calendar where all are refused", async () => {
  answer = (url) => (url.pathname.endsWith("/events") ? refusal(401, "unauthorized") : undefined);
  link.subscribe("a", {});
  link.subscribe("b", {});
  await settle();
  expect(heard).toEqual([
    ["a", "refused"],
    ["b", "refused"],
  ]);
});

it("keeps the address of one calendar for one, and a stream a window", async () => {
  link.subscribe("a", { from: "2027-01-01T00:00:00Z" });
  link.subscribe("b", {});
  await settle();
  expect(streams().map(({ pathname }) => pathname)).toEqual([
    "/api/calendars/a/events",
    "/api/calendars/b/events",
  ]);
});

it("opens a stream for each hundred calendars", async () => {
  for (let number = 0; number < 150; number += 1) link.subscribe(`c${number}`, {});
  await settle();
  const counts = streams().map((url) => url.searchParams.get("calendars")?.split(",").length);
  expect(counts).toEqual([100, 50]);
});

it("opens a stream for each calendar at a server that knows no other", async () => {
  answer = (url) => (url.pathname === "/api/events" ? refusal(404, "not_found") : undefined);
  link.subscribe("a", {});
  link.subscribe("b", {});
  await settle();
  expect(streams().map(({ pathname }) => pathname)).toEqual([
    "/api/events",
    "/api/calendars/a/events",
    "/api/calendars/b/events",
  ]);
  expect(heard).toEqual([]);
});
