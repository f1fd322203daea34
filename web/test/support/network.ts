/** A network in memory: which rungs open is set by the test, and links obey it. */

import type { Environment } from "../../src/client/connection/environment";
import { type SlotcastError, unreachable } from "../../src/client/error";
import type {
  Link,
  LinkEvents,
  LinkSetting,
  OpenLink,
  Position,
} from "../../src/client/transports/link";
import type { Transport } from "../../src/client";
import type { Change, Fields, Slot } from "../../src/client";
import { info, snapshot } from "./make";

export class FakeLink implements Link {
  readonly subscribed: [string, Position][] = [];
  readonly asked: [string, Fields][] = [];
  isClosed = false;
  /** Answers a request; a promise that never settles is an ack that never comes. */
  answer: (name: string, fields: Fields) => Promise<Fields> = async () => ({});

  constructor(
    readonly transport: Transport,
    readonly setting: LinkSetting,
    readonly events: LinkEvents,
    readonly network: FakeNetwork,
  ) {}

  subscribe(calendar: string, position: Position): void {
    this.subscribed.push([calendar, position]);
    this.network.onSubscribe(this, calendar, position);
  }

  unsubscribe(): void {}

  request(name: string, fields: Fields): Promise<Fields> {
    this.asked.push([name, fields]);
    return this.answer(name, fields);
  }

  close(): void {
    this.isClosed = true;
  }

  change(change: Change): void {
    this.events.delivered("demo", { kind: "change", change });
  }
}

export class FakeNetwork {
  readonly links: FakeLink[] = [];
  readonly tried: Transport[] = [];
  readonly open_rungs = new Set<Transport>(["websocket", "polling", "sse", "longpoll"]);
  refusal: SlotcastError | undefined;
  slots: readonly Slot[] = [];
  /** The changes that the server knows; its head is the last one's seq. */
  log: Change[] = [];
  onSubscribe = (link: FakeLink, calendar: string, position: Position): void =>
    this.answerSubscribe(link, calendar, position);

  readonly open: OpenLink = async (transport, setting, events) => {
    this.tried.push(transport);
    if (this.refusal !== undefined) throw this.refusal;
    if (!this.open_rungs.has(transport)) throw unreachable();
    const link = new FakeLink(transport, setting, events, this);
    this.links.push(link);
    return link;
  };

  get link(): FakeLink {
    const link = this.links.at(-1);
    if (link === undefined) throw new Error("No link was opened.");
    return link;
  }

  answerSubscribe(link: FakeLink, calendar: string, { after }: Position): void {
    const head = this.log.at(-1)?.seq ?? 0;
    if (after === undefined) {
      const whole = snapshot(head, this.slots);
      link.events.delivered(calendar, { kind: "snapshot", snapshot: whole });
      return;
    }
    const have = Number(after.split(".")[0]);
    const changes = this.log.filter(({ seq }) => seq > have);
    const cursor = `${head}.n`;
    const resumption = { info, changes, seq: head, cursor, server_time: "2026-11-23T12:00:00Z" };
    link.events.delivered(calendar, { kind: "resumed", resumption });
  }
}

export class FakeEnvironment implements Environment {
  is_online = true;
  #on: ((what: "online" | "offline" | "woken") => void) | undefined;

  isOnline = (): boolean => this.is_online;
  isVisible = (): boolean => true;

  listen(on: (what: "online" | "offline" | "woken") => void): () => void {
    this.#on = on;
    return () => {
      this.#on = undefined;
    };
  }

  say(what: "online" | "offline" | "woken"): void {
    if (what !== "woken") this.is_online = what === "online";
    this.#on?.(what);
  }
}
