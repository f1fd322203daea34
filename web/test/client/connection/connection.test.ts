import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Calendar } from "../../../src/client/calendar";
import { Connection } from "../../../src/client/connection/connection";
import type { Fields } from "../../../src/client";
import { RequestClient } from "../../../src/client/request_client";
import { readError, SlotcastError, unreachable } from "../../../src/client/error";
import { booking, change, hold, slot } from "../../support/make";
import { FakeEnvironment, FakeNetwork } from "../../support/network";

let network: FakeNetwork;
let environment: FakeEnvironment;
let connection: Connection;
let calendar: Calendar;
let states: string[];
let applied: number[];

const settle = () => vi.advanceTimersByTimeAsync(0);
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

async function start(): Promise<void> {
  const open = network.open;
  connection = new Connection(new URL("http://here.test"), { open, environment });
  calendar = new Calendar("demo", connection, new RequestClient(connection));
  states = [];
  applied = [];
  connection.listen(({ state, reason, transport }) =>
    states.push([state, reason, transport].filter(Boolean).join(" ")),
  );
  calendar.subscribe((event) => {
    if (event.kind === "change") applied.push(event.change.seq);
  });
  await settle();
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  network = new FakeNetwork();
  environment = new FakeEnvironment();
});

afterEach(() => {
  connection.close();
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe("a connection", () => {
  it("is live once its calendar has answered, over the best rung that opens", async () => {
    network.open_rungs.delete("websocket");
    await start();
    expect(states).toEqual(["live opened polling"]);
    expect(network.tried).toEqual(["websocket", "polling"]);
  });

  it("comes back by itself and goes on from its cursor, applying each change once", async () => {
    await start();
    const first = change(1, [slot("a", 9)]);
    network.log = [first];
    network.link.change(first);
    network.link.change(first);
    network.log.push(change(2, [slot("a", 9, { version: 2 })]));
    network.link.events.lost("transport_lost");
    expect(connection.status.state).toBe("reconnecting");
    await pass(1_000);
    expect(network.link.subscribed).toEqual([["demo", { after: "1.n" }]]);
    expect(states.at(-1)).toBe("live opened websocket");
    expect(applied).toEqual([1, 2]);
  });

  it("tries what worked alone first, and everything when that fails", async () => {
    await start();
    network.tried.length = 0;
    network.open_rungs.clear();
    network.link.events.lost("transport_lost");
    await pass(1_500);
    expect(network.tried[0]).toBe("websocket");
    network.open_rungs.add("longpoll");
    await pass(60_000);
    expect(connection.status).toMatchObject({ state: "live", transport: "longpoll" });
  });

  it("climbs back to a better rung and lets go of the old one only then", async () => {
    network.open_rungs.delete("websocket");
    await start();
    const below = network.link;
    network.open_rungs.add("websocket");
    await pass(4_000);
    expect(states.at(-1)).toBe("live climbed websocket");
    expect(states).not.toContain("reconnecting");
    expect(below.isClosed).toBe(true);
    const late = change(1, [slot("a", 9)]);
    network.log = [late];
    below.change(late);
    network.link.change(late);
    expect(applied).toEqual([1]);
  });

  it("goes down a rung when one opens but stays silent", async () => {
    network.onSubscribe = (link, name, position) => {
      if (link.transport === "websocket") setTimeout(() => link.events.lost("silent"), 100);
      else network.answerSubscribe(link, name, position);
    };
    await start();
    await pass(2_000);
    expect(connection.status).toMatchObject({ state: "live", transport: "polling" });
  });

  it("stays where it is when a better rung opens but says nothing", async () => {
    network.open_rungs.delete("websocket");
    await start();
    network.onSubscribe = (link) => setTimeout(() => link.events.lost("silent"), 100);
    network.open_rungs.add("websocket");
    await pass(10_000);
    expect(network.tried.filter((rung) => rung === "websocket").length).toBeGreaterThan(1);
    expect(states).toEqual(["live opened polling"]);
  });

  it("looks for a better rung soon after the device woke up, however long it has looked before", async () => {
    network.open_rungs.delete("websocket");
    await start();
    await pass(3_600_000);
    network.open_rungs.add("websocket");
    environment.say("woken");
    await pass(1_000);
    expect(states).toEqual(["live opened polling", "live climbed websocket"]);
  });

  it("comes back as quickly the third time, where servers end its link every few seconds", async () => {
    await start();
    for (const _ of [1, 2, 3]) {
      await pass(4_000);
      const at = Date.now();
      network.link.events.lost("transport_lost");
      expect(connection.status.retry_at).toBe(at + 250);
      await pass(250);
      expect(connection.status.state).toBe("live");
    }
  });

  it("waits longer each time a link ends at once", async () => {
    await start();
    const waits = [];
    for (const _ of [1, 2, 3]) {
      const at = Date.now();
      network.link.events.lost("transport_lost");
      waits.push((connection.status.retry_at ?? 0) - at);
      await pass(waits.at(-1) ?? 0);
    }
    expect(waits).toEqual([250, 500, 1_000]);
  });

  it("sits on no link that was lost while it was being opened", async () => {
    const open = network.open;
    network.refusal = undefined;
    let isFirst = true;
    const flaky: typeof open = async (transport, setting, events) => {
      const link = await open(transport, setting, events);
      if (isFirst) events.lost("transport_lost");
      isFirst = false;
      return link;
    };
    Object.assign(network, { open: flaky });
    await start();
    expect(connection.status.state).toBe("reconnecting");
    await pass(2_000);
    expect(connection.status.state).toBe("live");
  });

  it("closes for good when it is refused, and says why", async () => {
    network.refusal = new SlotcastError({ code: "unauthorized", message: "No.", retryable: false });
    await start();
    await pass(60_000);
    expect(states).toEqual(["closed refused"]);
    expect(network.tried).toEqual(["websocket"]);
    expect(connection.refusal?.code).toBe("unauthorized");
  });

  it("is offline while the device is, and back at once with the network", async () => {
    await start();
    network.open_rungs.clear();
    environment.say("offline");
    expect(states.at(-1)).toBe("offline network_lost");
    network.open_rungs.add("websocket");
    environment.say("online");
    await settle();
    expect(states.slice(-2)).toEqual(["reconnecting network_back", "live opened websocket"]);
  });

  it("asks again by its cursor when the device woke up", async () => {
    await start();
    environment.say("woken");
    expect(network.link.subscribed.at(-1)).toEqual(["demo", { after: "0.n" }]);
  });
});

describe("a calendar", () => {
  it("mends a gap by its cursor, and applies nothing behind it before", async () => {
    await start();
    network.log = [1, 2, 3].map((seq) => change(seq, [slot("a", 9, { version: seq })]));
    network.link.change(change(3, [slot("a", 9, { version: 3 })]));
    expect(network.link.subscribed.at(-1)).toEqual(["demo", { after: "0.n" }]);
    expect(applied).toEqual([1, 2, 3]);
  });

  it("asks for a snapshot when a replay has a hole itself", async () => {
    await start();
    network.log = [change(1, []), change(3, [])];
    network.link.change(change(3, []));
    expect(network.link.subscribed.at(-1)).toEqual(["demo", {}]);
    expect([calendar.seq, applied]).toEqual([3, [1]]);
  });

  it("subscribes without a cursor for another window", async () => {
    await start();
    calendar.window("2026-12-01T00:00:00Z", "2026-12-08T00:00:00Z");
    const window = { from: "2026-12-01T00:00:00Z", to: "2026-12-08T00:00:00Z" };
    expect(network.link.subscribed.at(-1)).toEqual(["demo", window]);
  });
});

describe("a mutation", () => {
  const lateAck = () =>
    Promise.reject(new SlotcastError({ code: "timeout", message: "Late.", retryable: true }));

  it("is sent again under the same key after a lost ack, over HTTP the second time", async () => {
    await start();
    network.link.answer = lateAck;
    const sent: [string, RequestInit][] = [];
    vi.stubGlobal("fetch", async (url: URL, init: RequestInit) => {
      sent.push([url.pathname, init]);
      return Response.json({ cursor: "1.n", booking });
    });
    const booked = calendar.book("s", { customer: { name: "Ada" } });
    await pass(1_000);
    expect(await booked).toEqual(booking);
    const key = network.link.asked[0]?.[1].key;
    expect(key).toMatch(/^[\w-]{22,}$/);
    expect(sent[0]?.[0]).toBe("/api/slots/s/bookings");
    expect(new Headers(sent[0]?.[1].headers).get("Idempotency-Key")).toBe(key);
    expect(JSON.parse(String(sent[0]?.[1].body))).toEqual({ customer: { name: "Ada" } });
  });

  it("is sent again under the same key until 45 s have passed, however fast each try fails", async () => {
    await start();
    const started = Date.now();
    const down = () => Promise.reject(unreachable());
    network.link.answer = down;
    vi.stubGlobal("fetch", down);
    let ended: unknown;
    calendar.hold("s").catch((error: unknown) => (ended = error));
    await pass(40_000);
    expect(ended).toBeUndefined();
    await pass(6_000);
    expect(ended).toMatchObject({ code: "unreachable" });
    const keys = new Set(network.link.asked.map(([, fields]) => fields.key));
    expect([keys.size, Date.now() - started]).toEqual([1, 46_000]);
  });

  it("waits as long as the server says before it is sent again", async () => {
    await start();
    const details = { retry_after: 3 };
    const limited = {
      code: "rate_limited",
      message: "Slow down.",
      retryable: true,
      details,
    } as const;
    network.link.answer = () => Promise.reject(readError(limited));
    vi.stubGlobal("fetch", async () => Response.json({ cursor: "1.n", hold }));
    let held: unknown;
    calendar.hold("s").then((one) => (held = one));
    await pass(2_900);
    expect(held).toBeUndefined();
    await pass(200);
    expect(held).toEqual(hold);
  });

  it("is refused at once where trying again cannot help", async () => {
    await start();
    network.link.answer = () =>
      Promise.reject(
        new SlotcastError({ code: "slot_unavailable", message: "Taken.", retryable: false }),
      );
    await expect(calendar.hold("s")).rejects.toMatchObject({ code: "slot_unavailable" });
    expect(network.link.asked.length).toBe(1);
  });

  it("has a key of its own each time, unless one is given", async () => {
    await start();
    network.link.answer = async () => ({ hold: {} });
    const none = { key: undefined } as unknown as { key: string };
    for (const options of [{}, none, { key: "mine" }]) await calendar.hold("s", options);
    const [first, second, third] = network.link.asked.map(([, fields]) => fields.key);
    expect(first).toMatch(/^[\w-]{22,}$/);
    expect(second).toMatch(/^[\w-]{22,}$/);
    expect(first).not.toBe(second);
    expect(third).toBe("mine");
  });

  it("of a booking gives it back with the token that proved it", async () => {
    await start();
    const moved = { id: "b", calendar: "demo", slot: "s", seats: 1, status: "confirmed" };
    network.link.answer = async () => ({ booking: moved });
    const proof = { id: "b", token: "t" };
    expect(await calendar.cancel(proof)).toEqual({ ...moved, token: "t" });
    expect(await calendar.reschedule(proof, "other")).toEqual({ ...moved, token: "t" });
    expect(await calendar.booking(proof)).toEqual({ ...moved, token: "t" });
  });

  describe("that was given up without an answer", () => {
    /** Neither the link nor HTTP answers until `restore` is called. */
    async function giveUp(): Promise<{ key: string | undefined; asked: [string, Fields][] }> {
      await start();
      const down = () => Promise.reject(unreachable());
      network.link.answer = down;
      vi.stubGlobal("fetch", down);
      let ended: SlotcastError | undefined;
      calendar.hold("s").catch((error: SlotcastError) => (ended = error));
      await pass(46_000);
      return { key: ended?.key, asked: network.link.asked };
    }

    function restore(): [string, Fields][] {
      const asked: [string, Fields][] = [];
      const answer = async (name: string, fields: Fields) => {
        asked.push([name, fields]);
        return { hold };
      };
      network.onSubscribe = (link, name, position) => {
        link.answer = answer;
        network.answerSubscribe(link, name, position);
      };
      network.link.events.lost("transport_lost");
      return asked;
    }

    it("tells its key", async () => {
      const { key, asked } = await giveUp();
      expect(key).toBe(asked[0]?.[1].key);
    });

    it("is settled once the network is back: a hold that nobody knows of is released", async () => {
      const { key } = await giveUp();
      const asked = restore();
      await pass(2_000);
      expect(asked.map(([name]) => name)).toEqual(["slot.hold", "hold.release"]);
      expect(asked[0]?.[1]).toEqual({ slot: "s", key });
      expect(asked[1]?.[1]).toMatchObject({ hold: "h", token: "t" });
    });

    it("goes under the same key when it is asked for again, and is kept then", async () => {
      const { key } = await giveUp();
      const again = calendar.hold("s");
      const asked = restore();
      await pass(10_000);
      expect(await again).toEqual(hold);
      expect(asked).toEqual([["slot.hold", { slot: "s", key }]]);
    });
  });
});
