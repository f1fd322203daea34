/** Two tabs of one browser in memory, with a server that is played by `fetch`. */

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { SlotcastError, unreachable } from "../../../src/client/error";
import { openShared } from "../../../src/client/tabs/share";
import { ServerClock } from "../../../src/client/transports/clock";
import type { Delivery, Link, LinkSetting } from "../../../src/client/transports/link";
import type { Change } from "../../../src/client";
import { change, snapshot } from "../../support/make";
import { FakeNetwork } from "../../support/network";
import { FakeBrowser, type FakeTab } from "../../support/tabs";

let browser: FakeBrowser;
let network: FakeNetwork;
let asked: string[];

const base = new URL("https://here.test/");
const pass = (ms = 0) => vi.advanceTimersByTimeAsync(ms);

interface Seen {
  readonly tab: FakeTab;
  readonly link: Link;
  readonly heard: string[];
  readonly lost: string[];
}

const word = (delivery: Delivery): string =>
  delivery.kind === "change" ? String(delivery.change.seq) : delivery.kind;

async function openTab(token?: string): Promise<Seen> {
  const tab = browser.tab();
  const [heard, lost] = [[] as string[], [] as string[]];
  const { signal } = new AbortController();
  const setting: LinkSetting = {
    ...{ base, token, signal, isStaff: false, isRenewable: false, calendars: [], open_ms: 4_000 },
    ...{ clock: new ServerClock(), isVisible: () => true },
  };
  const events = {
    delivered: (_calendar: string, delivery: Delivery) => heard.push(word(delivery)),
    lost: (reason: string) => lost.push(reason),
    heard: () => {},
  };
  const opening = openShared("sse", setting, events, network.open, tab);
  let isSettled = false;
  const settled = () => (isSettled = true);
  opening.then(settled, settled);
  // The digest of the name does not run on timers.
  await vi.waitFor(() => pass(10).then(() => expect(isSettled).toBe(true)));
  return { tab, link: await opening, heard, lost };
}

/** The server commits a change and sends it by every open link. */
async function commit(seq: number): Promise<void> {
  const made = change(seq, []);
  network.log.push(made);
  for (const link of network.links.filter(({ isClosed }) => !isClosed)) link.change(made);
  await pass();
}

beforeEach(() => {
  vi.useFakeTimers();
  [browser, network, asked] = [new FakeBrowser(), new FakeNetwork(), []];
  vi.stubGlobal("fetch", async (url: URL) => {
    asked.push(url.pathname.split("/").at(-1) ?? "");
    const head = network.log.at(-1)?.seq ?? 0;
    if (url.pathname.endsWith("slots")) return Response.json(snapshot(head, []));
    const have = Number(url.searchParams.get("after")?.split(".")[0]);
    const changes: Change[] = network.log.filter(({ seq }) => seq > have);
    const server_time = "2026-11-23T12:00:00Z";
    return Response.json({ changes, seq: head, cursor: `${head}.n`, more: false, server_time });
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function openTwo(): Promise<[Seen, Seen]> {
  const two: [Seen, Seen] = [await openTab(), await openTab()];
  for (const { link } of two) {
    link.subscribe("demo", {});
    await pass(10);
  }
  return two;
}

it("shows the changes to both tabs by one link", async () => {
  const [lead, follower] = await openTwo();
  await commit(1);
  expect(network.links).toHaveLength(1);
  expect(lead.heard).toEqual(["snapshot", "1"]);
  expect(follower.heard).toEqual(["snapshot", "1"]);
});

it("gives a tab what it missed before the lead tab's cursor", async () => {
  const [lead, follower] = [await openTab(), await openTab()];
  lead.link.subscribe("demo", {});
  await pass(10);
  await commit(1);
  await commit(2);
  follower.link.subscribe("demo", { after: "1.n" });
  await pass(10);
  await commit(3);
  expect(follower.heard).toEqual(["resumed", "2", "3"]);
  expect(asked).toEqual(["slots", "changes"]);
});

it("does not share between tokens, and names no token", async () => {
  await openTab("secret");
  await openTab();
  expect(network.links).toHaveLength(2);
  for (const { name } of browser.channels) expect(name).not.toContain("secret");
});

it("goes on from its cursor by a stream of its own once the lead tab has closed", async () => {
  const [lead, follower] = await openTwo();
  lead.tab.kill();
  network.links[0]?.close();
  await commit(1);
  await pass(10);
  await commit(2);
  expect(network.links).toHaveLength(2);
  expect(network.link.subscribed).toEqual([["demo", { after: "0.n" }]]);
  expect(follower.heard).toEqual(["snapshot", "1", "2"]);
  expect(follower.lost).toEqual([]);
});

it("takes the lead from a frozen tab, which follows once it thaws", async () => {
  const [first, second] = await openTwo();
  first.tab.freeze();
  // A frozen tab runs no timers, and so tells nothing.
  for (const channel of browser.channels)
    if (channel.tab === first.tab) channel.postMessage = () => {};
  await pass(8_000);
  await commit(1);
  expect(network.links).toHaveLength(2);
  expect(second.heard).toEqual(["snapshot", "1"]);
  for (const channel of browser.channels)
    if (channel.tab === first.tab) Reflect.deleteProperty(channel, "postMessage");
  first.tab.thaw();
  await pass(10);
  expect(network.links.filter(({ isClosed }) => !isClosed)).toHaveLength(1);
  await commit(2);
  expect(first.heard.at(-1)).toBe("2");
  expect(second.heard).toEqual(["snapshot", "1", "2"]);
});

it("follows a calendar until the last tab with it has gone", async () => {
  const [, follower] = await openTwo();
  const unsubscribed = vi.spyOn(network.link, "unsubscribe");
  const third = await openTab();
  third.link.subscribe("other", {});
  follower.link.unsubscribe("demo");
  await pass(10);
  expect(unsubscribed).not.toHaveBeenCalled();
  third.tab.kill();
  await pass(10);
  expect(unsubscribed.mock.calls).toEqual([["other"]]);
});

it("loses the link in every tab once the stream is lost", async () => {
  const [lead, follower] = await openTwo();
  network.link.events.lost("silent");
  await pass(10);
  expect([lead.lost, follower.lost]).toEqual([["silent"], ["silent"]]);
  expect(browser.channels.size).toBe(0);
});

it("reads a snapshot again in every tab after a gap", async () => {
  const both = await openTwo();
  network.link.events.delivered("demo", { kind: "snapshot", snapshot: snapshot(9, []) });
  await pass(10);
  for (const { heard } of both) expect(heard).toEqual(["snapshot", "snapshot"]);
});

it("refuses a calendar in every tab", async () => {
  const both = await openTwo();
  const error = new SlotcastError({ code: "forbidden", message: "No.", retryable: false });
  network.link.events.delivered("demo", { kind: "refused", error });
  await pass(10);
  for (const { heard } of both) expect(heard).toEqual(["snapshot", "refused"]);
});

it("opens nothing where the stream opens nothing", async () => {
  network.refusal = unreachable();
  await expect(openTab()).rejects.toMatchObject({ code: "unreachable" });
  expect(browser.channels.size).toBe(0);
});
