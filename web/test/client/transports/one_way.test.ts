/** The two rungs that only bring, against a server that is played by `fetch`. */

import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Change } from "../../../src/client";
import { Calendar } from "../../../src/client/calendar";
import { Connection } from "../../../src/client/connection/connection";
import { RequestClient } from "../../../src/client/request_client";
import { openOneWayLink } from "../../../src/client/transports/one_way_link";
import type { Token } from "../../../src/client/connection/token";
import { change, refusal, slot, snapshot } from "../../support/make";
import { FakeEnvironment } from "../../support/network";

const ENCODER = new TextEncoder();

/** Answers as the server does; a stream and a poll wait for `commit`. */
class FakeServer {
  readonly asked: string[] = [];
  log: Change[] = [];
  /** The tokens that are good; undefined where none is needed. */
  tokens: string[] | undefined;
  /** Answers in the place of the server, where a test wants it to. */
  instead: (path: string, init: RequestInit) => Response | undefined = () => undefined;
  readonly #waiting = new Set<() => void>();

  fetch = async (url: URL, init: RequestInit): Promise<Response> => {
    const path = url.pathname.replace("/api/calendars", "") || "/";
    this.asked.push(path + url.search.replace(/[?&](from|to)=[^&]*/g, ""));
    const token = new Headers(init.headers).get("Authorization")?.replace("Bearer ", "");
    const other = this.instead(path, init);
    if (other !== undefined) return other;
    if (this.tokens !== undefined && !this.tokens.includes(token ?? "")) {
      return refusal(401, "unauthorized");
    }
    const after = Number((url.searchParams.get("after") ?? "").split(".")[0]);
    if (path.endsWith("/events")) return this.#stream(url.searchParams.has("after"), after, init);
    if (path.endsWith("/changes")) return this.#poll(after, url.searchParams.get("wait") === "0");
    if (path.endsWith("/slots")) return Response.json(this.#snapshot());
    return Response.json({ status: "ok", calendars: [] });
  };

  commit(seq: number): void {
    this.log.push(change(seq, [slot("a", 9, { version: seq })]));
    this.wake();
  }

  /** Lets whoever waits look again. */
  wake(): void {
    for (const look of [...this.#waiting]) look();
  }

  #snapshot() {
    return snapshot(this.log.at(-1)?.seq ?? 0, []);
  }

  async #poll(after: number, isHasty: boolean): Promise<Response> {
    const missed = () => this.log.filter(({ seq }) => seq > after);
    if (!isHasty && missed().length === 0) await this.#change();
    const seq = this.log.at(-1)?.seq ?? 0;
    const head = { seq, cursor: `${seq}.n`, server_time: "2026-11-23T12:00:00Z" };
    return Response.json({ changes: missed(), ...head, more: false });
  }

  #stream(isResumed: boolean, after: number, init: RequestInit): Response {
    let have = isResumed ? after : (this.log.at(-1)?.seq ?? 0);
    return stream(init, (controller) => {
      const write = (text: string) => controller.enqueue(ENCODER.encode(text));
      write("retry: 2000\n\n");
      if (!isResumed) write(`event: snapshot\ndata: ${JSON.stringify(this.#snapshot())}\n\n`);
      const look = () => {
        if (init.signal?.aborted) return;
        for (const one of this.log.filter(({ seq }) => seq > have)) {
          have = one.seq;
          write(`id: ${one.cursor}\ndata: ${JSON.stringify(one)}\n\n`);
        }
        if (this.tokens?.length === 0) controller.close();
        else void this.#change().then(look);
      };
      look();
    });
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      const look = () => {
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
    });
  }
}

/** A response that goes on until its request is aborted. */
function stream(
  { signal }: RequestInit,
  begin: (controller: ReadableStreamDefaultController<Uint8Array>) => void,
): Response {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      signal?.addEventListener("abort", () => controller.error(signal.reason));
      begin(controller);
    },
  });
  return new Response(body, { headers: { "Content-Type": "text/event-stream; charset=utf-8" } });
}

let server: FakeServer;
let environment: FakeEnvironment;
let connection: Connection;
let calendar: Calendar;
let applied: number[];

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const commit = async (seq: number) => {
  server.commit(seq);
  await pass(50);
};

async function start(transport: "sse" | "longpoll", token?: Token): Promise<void> {
  connection = new Connection(new URL("http://here.test"), {
    ...{ transports: [transport], environment, open: openOneWayLink },
    ...(token !== undefined && { token }),
  });
  calendar = new Calendar("demo", connection, new RequestClient(connection));
  applied = [];
  calendar.subscribe((event) => event.kind === "change" && applied.push(event.change.seq));
  await pass(50);
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  server = new FakeServer();
  environment = new FakeEnvironment();
  vi.stubGlobal("fetch", server.fetch);
});

afterEach(() => {
  connection.close();
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

describe.each(["sse", "longpoll"] as const)("over %s a connection", (transport) => {
  it("takes a snapshot and then every change, once and in order", async () => {
    await start(transport);
    expect(connection.status).toMatchObject({ state: "live", transport });
    await commit(1);
    await commit(2);
    expect([applied, calendar.cursor]).toEqual([[1, 2], "2.n"]);
  });

  it("comes back by its cursor with what it missed", async () => {
    await start(transport);
    await commit(1);
    environment.say("offline");
    server.commit(2);
    server.asked.length = 0;
    environment.say("online");
    await pass(50);
    expect(server.asked.find((path) => path.startsWith("/demo"))).toMatch(/after=1.n/);
    expect([connection.status.state, applied]).toEqual(["live", [1, 2]]);
  });

  it("asks for a fresh token when the one it came with has ended", async () => {
    let number = 0;
    server.tokens = ["token-1"];
    await start(transport, () => `token-${(number += 1)}`);
    expect(connection.status.state).toBe("live");
    server.tokens = [];
    await commit(1);
    server.tokens = ["token-2"];
    await pass(1_000);
    await commit(2);
    expect([connection.status.state, number, applied]).toEqual(["live", 2, [1, 2]]);
    expect(calendar.refusal).toBeUndefined();
  });

  it("closes for good when its only token has ended", async () => {
    server.tokens = ["token"];
    await start(transport, "token");
    server.tokens = [];
    await commit(1);
    await pass(30_000);
    expect(connection.status).toMatchObject({ state: "closed", reason: "refused" });
    expect(connection.refusal?.code).toBe("unauthorized");
  });

  it.each([
    [403, "forbidden", "token"],
    [404, "not_found", undefined],
    [401, "unauthorized", undefined],
  ])("hears of a calendar that it may not see (%s)", async (status, code, token) => {
    const isOfCalendar = (path: string) => path.startsWith("/demo");
    server.instead = (path) => (isOfCalendar(path) ? refusal(status, code) : undefined);
    await start(transport, token);
    await pass(1_000);
    expect(calendar.refusal?.code).toBe(code);
    expect(server.asked.filter(isOfCalendar).length).toBe(1);
    server.instead = () => undefined;
    await pass(10_000);
    expect([calendar.refusal, calendar.isLoaded]).toEqual([undefined, true]);
  });

  it.each([
    ["the server's 503", () => refusal(503, "overloaded", true)],
    ["the server's 429", () => refusal(429, "rate_limited", true)],
    ["a proxy's 429", () => new Response("slow down", { status: 429 })],
    ["a proxy's 500", () => new Response("oops", { status: 500 })],
    ["a proxy's 502", () => new Response("<html>", { status: 502 })],
  ])("tries again after %s", async (_whose, answer) => {
    let is_ill = true;
    server.instead = (path) => (is_ill && path.startsWith("/demo") ? answer() : undefined);
    await start(transport);
    expect(connection.status.state).toBe("reconnecting");
    is_ill = false;
    await pass(30_000);
    await commit(1);
    expect([connection.status.state, applied]).toEqual(["live", [1]]);
  });
});

it("takes a snapshot over long poll where its cursor is gone", async () => {
  await start("longpoll");
  await commit(1);
  let is_gone = true;
  server.instead = (path) => {
    if (!path.endsWith("/changes") || !is_gone) return undefined;
    is_gone = false;
    return refusal(410, "cursor_gone");
  };
  server.log = [change(7, [])];
  environment.say("woken");
  await pass(50);
  expect([calendar.seq, connection.status.state]).toEqual([7, "live"]);
  server.commit(8);
  await pass(50);
  expect(calendar.seq).toBe(8);
});

it("gives a stream up that brings nothing, as a proxy that gathers it does", async () => {
  server.instead = (path, init) => (path.endsWith("/events") ? stream(init, () => {}) : undefined);
  await start("sse");
  const states: string[] = [];
  connection.listen(({ state, reason }) => states.push(`${state} ${reason}`));
  await pass(7_000);
  expect(states[0]).toBe("reconnecting silent");
});
