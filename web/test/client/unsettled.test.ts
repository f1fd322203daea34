/** A storage brings the commands without an answer to the next start of an app. There is no DOM here. */

import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { ClientStorage, SlotcastClient } from "../../src/client";
import type { Fields } from "../../src/client/wire";
import { booking, hold } from "../support/make";
import { FakeEnvironment, FakeNetwork } from "../support/network";

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

/** A storage with promises, as React Native's AsyncStorage. */
class AppStorage implements ClientStorage {
  readonly texts = new Map<string, string>();
  getItem = async (name: string) => this.texts.get(name) ?? null;
  setItem = async (name: string, text: string) => void this.texts.set(name, text);
  removeItem = async (name: string) => void this.texts.delete(name);
}

let network: FakeNetwork;
let opened: SlotcastClient[];

/** Starts the app: after its end nothing is left but the storage. */
async function start(storage: ClientStorage | null): Promise<SlotcastClient> {
  vi.resetModules();
  const { connect } = await import("../../src/client");
  network = new FakeNetwork();
  const setting = { open: network.open, environment: new FakeEnvironment(), storage };
  const client = connect("http://here.test", setting);
  opened.push(client);
  return client;
}

/** Has the server answer with `answer`, or never. */
function answer(given?: Fields): void {
  network.link.answer = () =>
    given === undefined ? new Promise(() => {}) : Promise.resolve(given);
}

const book = (client: SlotcastClient) =>
  client.calendar("demo").book("s", { customer: { name: "Ada" } });
const asked = (name: string) => network.link.asked.filter(([one]) => one === name);

beforeEach(() => {
  opened = [];
  vi.useFakeTimers();
});

afterEach(() => {
  for (const client of opened) client.close();
  vi.useRealTimers();
});

it("repeats a command of an app that was ended under the same key", async () => {
  const storage = new AppStorage();
  const first = await start(storage);
  await pass(10);
  answer();
  void book(first).catch(() => {});
  await pass(10);
  const [, sent] = asked("slot.book")[0] ?? [];
  const second = await start(storage);
  await pass(10);
  answer({ booking });
  await book(second);
  expect(asked("slot.book")[0]?.[1].key).toBe(sent?.key);
  await pass(10);
  expect([...storage.texts]).toEqual([]);
});

it("takes another key after ten minutes", async () => {
  const storage = new AppStorage();
  const first = await start(storage);
  await pass(10);
  answer();
  void book(first).catch(() => {});
  await pass(10);
  const [, sent] = asked("slot.book")[0] ?? [];
  vi.setSystemTime(Date.now() + 601_000);
  const second = await start(storage);
  await pass(10);
  answer({ booking });
  await book(second);
  expect(asked("slot.book")[0]?.[1].key).not.toBe(sent?.key);
});

it("releases a hold that the ended app asked for", async () => {
  const storage = new AppStorage();
  const first = await start(storage);
  await pass(10);
  answer();
  void first
    .calendar("demo")
    .hold("s")
    .catch(() => {});
  await pass(10);
  const [, sent] = asked("slot.hold")[0] ?? [];
  const second = await start(storage);
  network.onSubscribe = (link, calendar, position) => {
    answer({ hold });
    network.answerSubscribe(link, calendar, position);
  };
  second.calendar("demo");
  await pass(10);
  expect(asked("slot.hold")[0]?.[1].key).toBe(sent?.key);
  expect(asked("hold.release")).toHaveLength(1);
});

const BROKEN: Readonly<Record<string, Partial<ClientStorage>>> = {
  hangs: { getItem: () => new Promise(() => {}), setItem: () => new Promise(() => {}) },
  "has something else": { getItem: () => '{"a":1}' },
  "has broken entries": { getItem: () => '[null,{"name":1},7]' },
  "is no JSON": { getItem: () => "<html>" },
  "is forbidden": {
    getItem() {
      throw new Error("no");
    },
    setItem() {
      throw new Error("full");
    },
    removeItem: () => Promise.reject(new Error("no")),
  },
};

it.each(Object.entries(BROKEN))("works with a storage that %s", async (_what, broken) => {
  const client = await start(Object.assign(new AppStorage(), broken));
  await pass(10);
  answer({ booking });
  const booked = book(client);
  await pass(3_000);
  expect((await booked).id).toBe(booking.id);
});

it("works without a storage", async () => {
  const client = await start(null);
  await pass(10);
  answer({ booking });
  expect((await book(client)).id).toBe(booking.id);
});
