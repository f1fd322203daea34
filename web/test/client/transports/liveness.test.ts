/** A network that drops everything closes nothing: what is live says so in time. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Calendar } from "../../../src/client/calendar";
import { Connection } from "../../../src/client/connection/connection";
import { RequestClient } from "../../../src/client/request_client";
import type { OpenLink } from "../../../src/client/transports/link";
import { change } from "../../support/make";
import { FakeEnvironment, FakeNetwork } from "../../support/network";

const BEAT_MS = 3_000;
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

let network: FakeNetwork;
let environment: FakeEnvironment;
let connection: Connection;
let calendar: Calendar;
let beats: ReturnType<typeof setInterval> | undefined;

async function start(heartbeat_ms: number | undefined): Promise<void> {
  const open: OpenLink = async (transport, setting, events) =>
    Object.assign(await network.open(transport, setting, events), { heartbeat_ms });
  connection = new Connection(new URL("http://here.test"), { open, environment });
  calendar = new Calendar("demo", connection, new RequestClient(connection));
  await pass(0);
  expect(connection.status.state).toBe("live");
  beats = setInterval(() => network.link.events.heard(), BEAT_MS);
}

/** Nothing comes any more, and nothing can be opened. */
function die(): void {
  clearInterval(beats);
  network.open_rungs.clear();
  network.onSubscribe = () => {};
  for (const link of network.links) link.answer = () => new Promise(() => {});
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  vi.stubGlobal("fetch", () => new Promise(() => {}));
  network = new FakeNetwork();
  environment = new FakeEnvironment();
});

afterEach(() => {
  clearInterval(beats);
  connection.close();
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe("a connection on a dead network", () => {
  it("is not live 8 s later, though nobody asked for anything", async () => {
    await start(BEAT_MS);
    await pass(60_000);
    expect(connection.status.state).toBe("live");
    die();
    await pass(7_900);
    expect(connection.status.state).toBe("reconnecting");
  });

  it.each([BEAT_MS, undefined])(
    "is not live 4 s after a request (beat: %s)",
    async (heartbeat_ms) => {
      await start(heartbeat_ms);
      await pass(2_900);
      die();
      calendar.hold("s").catch(() => {});
      await pass(3_900);
      expect(connection.status.state).toBe("live");
      await pass(200);
      expect(connection.status).toMatchObject({ state: "reconnecting", reason: "silent" });
    },
  );

  it("is not live 4 s after the page was shown again", async () => {
    await start(BEAT_MS);
    die();
    environment.say("woken");
    await pass(4_100);
    expect(connection.status.state).toBe("reconnecting");
  });

  it("goes on by the same transport once the network is back", async () => {
    await start(BEAT_MS);
    await pass(30_000);
    die();
    await pass(8_000);
    network.open_rungs.add("websocket").add("polling");
    network.onSubscribe = (link, name, position) => network.answerSubscribe(link, name, position);
    beats = setInterval(() => network.link.events.heard(), BEAT_MS);
    await pass(30_000);
    expect(connection.status).toMatchObject({ state: "live", transport: "websocket" });
  });
});

describe("a connection on a network that works", () => {
  it("stays live while the server takes long to answer", async () => {
    await start(BEAT_MS);
    network.link.answer = () => new Promise(() => {});
    calendar.hold("s").catch(() => {});
    await pass(20_000);
    expect([connection.status.state, network.links.length]).toEqual(["live", 1]);
  });

  it("stays live where no heartbeat was promised, as with an older server", async () => {
    await start(undefined);
    clearInterval(beats);
    await pass(600_000);
    expect([connection.status.state, network.links.length]).toEqual(["live", 1]);
  });

  it("asks the server for nothing while nobody does anything", async () => {
    await start(BEAT_MS);
    const subscribed = network.link.subscribed.length;
    await pass(600_000);
    expect([network.link.asked.length, network.link.subscribed.length]).toEqual([0, subscribed]);
  });

  it("believes no silence of a page that stood still itself", async () => {
    await start(BEAT_MS);
    clearInterval(beats);
    vi.setSystemTime(Date.now() + 60_000);
    const frozen = performance.now() + 60_000;
    vi.spyOn(performance, "now").mockImplementation(() => frozen);
    await pass(7_100);
    expect(connection.status.state).toBe("live");
    vi.mocked(performance.now).mockRestore();
    network.link.events.heard();
    network.link.change(change(1, []));
    await pass(1_000);
    expect(connection.status.state).toBe("live");
  });
});
