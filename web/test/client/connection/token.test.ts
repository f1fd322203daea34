/** The application's token function may be late, fail or hang: the client comes back from it. */

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { Connection } from "../../../src/client/connection/connection";
import { SlotcastError } from "../../../src/client/error";
import { TOKEN_MS, type Token, TokenSource } from "../../../src/client/connection/token";
import { FakeEnvironment, FakeNetwork } from "../../support/network";

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);
const refused = (code: "unauthorized" | "forbidden") =>
  new SlotcastError({ code, message: "No.", retryable: false });

let network: FakeNetwork;
let connection: Connection;

async function start(token: Token): Promise<string[]> {
  const environment = new FakeEnvironment();
  const setting = { open: network.open, environment, token };
  connection = new Connection(new URL("http://here.test"), setting);
  const reasons: string[] = [];
  connection.listen(({ state, reason }) => reasons.push(`${state} ${reason}`));
  await pass(0);
  return reasons;
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0.5);
  network = new FakeNetwork();
});

afterEach(() => {
  connection.close();
  vi.useRealTimers();
  vi.restoreAllMocks();
});

it.each([
  ["hangs", () => new Promise<string>(() => {})],
  ["rejects", () => Promise.reject(new Error("the login is down"))],
  [
    "throws",
    () => {
      throw new Error("no session");
    },
  ],
])("comes back from a token function that %s once", async (_how, fault) => {
  let calls = 0;
  const reasons = await start(() => ((calls += 1) === 1 ? fault() : "good"));
  await pass(TOKEN_MS + 1_000);
  expect(reasons).toEqual(["reconnecting token_late", "live opened"]);
  expect([calls, network.link.setting.token]).toEqual([2, "good"]);
});

it("uses the answer of a token function that is always slower than its time-out", async () => {
  const slow = () =>
    new Promise<string>((resolve) => setTimeout(() => resolve("slow"), TOKEN_MS + 5_000));
  await start(slow);
  await pass(TOKEN_MS + 6_000);
  expect([connection.status.state, network.link.setting.token]).toEqual(["live", "slow"]);
});

it("keeps asking, with growing waits, while a token function gives tokens that have ended", async () => {
  network.refusal = refused("unauthorized");
  let calls = 0;
  const reasons = await start(() => `token-${(calls += 1)}`);
  await pass(120_000);
  expect(connection.status.state).toBe("reconnecting");
  expect(new Set(reasons)).toEqual(new Set(["reconnecting token_refused"]));
  expect(calls).toBeGreaterThan(10);
  expect(calls).toBeLessThan(40);
  network.refusal = undefined;
  await pass(15_000);
  expect(connection.status.state).toBe("live");
});

it("is refused for good with a token that is a string", async () => {
  network.refusal = refused("unauthorized");
  expect(await start("old")).toEqual(["closed refused"]);
});

it("is refused for good where fresh tokens do not allow it either", async () => {
  network.refusal = refused("forbidden");
  const reasons = await start(() => "guest");
  await pass(10_000);
  expect(reasons.at(-1)).toBe("closed refused");
});

it("calls no function twice at once for one answer, and forgets none that came late", async () => {
  const answers: ((token: string) => void)[] = [];
  const source = new TokenSource(() => new Promise((resolve) => answers.push(resolve)));
  const first = source.get().catch((error: SlotcastError) => error.code);
  await pass(TOKEN_MS);
  expect(await first).toBe("timeout");
  answers[0]?.("late");
  await pass(0);
  expect(await source.get()).toBe("late");
});

it.each([null, undefined, ""])(
  "takes %o of a token function for nobody logged in",
  async (nobody) => {
    let user: string | null | undefined = nobody;
    await start(() => Promise.resolve(user));
    expect([connection.status.state, network.link.setting.token]).toEqual(["live", undefined]);
    user = "ada";
    network.link.events.lost("server_closed");
    await pass(1_000);
    expect([connection.status.state, network.link.setting.token]).toEqual(["live", "ada"]);
  },
);
