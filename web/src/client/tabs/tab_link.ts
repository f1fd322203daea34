/** The link of one tab. It leads, or it follows the tab that leads. */

import { readError, type SlotcastError, timedOut, unreachable } from "../error.ts";
import type { Link, LinkEvents, LinkSetting, OpenLink, Position } from "../transports/link.ts";
import { Liveness } from "../transports/liveness.ts";
import { reasonToLose } from "../transports/one_way.ts";
import type { Reason, Transport } from "../transports/state.ts";
import { Election } from "./election.ts";
import { BEAT_MS, LeadTab } from "./lead_tab.ts";
import { isRequest, type Message, type Notice, type Tabs, type Unsigned } from "./message.ts";
import { Wanted } from "./wanted.ts";

/** A lead tab answers `hello` at once. */
const HELLO_MS = 2_000;

export class TabLink implements Link {
  readonly transport: Transport;
  readonly #id = crypto.randomUUID();
  readonly #name: string;
  readonly #tabs: Tabs;
  readonly #setting: LinkSetting;
  readonly #events: LinkEvents;
  readonly #open: OpenLink;
  readonly #channel: BroadcastChannel;
  readonly #election: Election;
  readonly #liveness = new Liveness(() => this.#election.steal());
  readonly #wanted = new Map<string, Wanted>();
  readonly #opening: Promise<void>;
  #settle: (error?: unknown) => void = () => {};
  #isOpen = false;
  #isClosed = false;
  /** Present while this tab leads. */
  #lead_tab: LeadTab | undefined;
  /** The id of the tab that leads. */
  #leading: string | undefined;
  #leave: () => void = () => {};
  #timers: ReturnType<typeof setTimeout>[] = [];

  constructor(
    name: string,
    transport: Transport,
    setting: LinkSetting,
    events: LinkEvents,
    open: OpenLink,
    tabs: Tabs,
  ) {
    this.#name = name;
    this.transport = transport;
    this.#setting = setting;
    this.#events = events;
    this.#open = open;
    this.#tabs = tabs;
    this.#channel = tabs.channel(name);
    this.#channel.onmessage = ({ data }: MessageEvent<Message>) => this.#take(data);
    const deposed = () => this.#deposed();
    this.#election = new Election(tabs.locks, name, () => void this.#lead(), deposed);
    this.#opening = new Promise((resolve, reject) => {
      this.#settle = (error) => {
        if (error !== undefined) return reject(error);
        // A link may be lost before its first use.
        this.#isOpen = !this.#isClosed;
        resolve();
      };
    });
    this.#opening.catch(() => {});
    setting.signal.addEventListener("abort", () => this.#isOpen || this.#fail(unreachable()));
    if (setting.signal.aborted) this.#fail(unreachable());
  }

  /** Resolves once another tab leads, or this one with an open link. */
  async opened(): Promise<void> {
    // The lead tab queues for this lock, and so learns that this tab has gone.
    await new Promise<void>((present) => {
      const hold = () =>
        new Promise<void>((leave) => {
          this.#leave = leave;
          present();
        });
      this.#tabs.locks.request(this.#nameOf(this.#id), hold).catch(present);
    });
    if (this.#isClosed) this.#leave();
    else {
      this.#election.stand();
      this.#send({ kind: "hello" });
      this.#timers = [
        setTimeout(() => this.#leading === undefined && this.#election.steal(), HELLO_MS),
        setTimeout(() => {
          if (!this.#isOpen && this.#leading === undefined) this.#fail(timedOut());
        }, this.#setting.open_ms),
      ];
    }
    await this.#opening;
  }

  subscribe(calendar: string, position: Position): void {
    this.#wanted.get(calendar)?.close();
    const wanted = new Wanted(calendar, position, this.#setting, {
      ask: (after) => this.#send({ kind: "want", calendar, after }),
      delivered: (delivery) => this.#events.delivered(calendar, delivery),
      failed: (error) => this.#failed(calendar, error),
    });
    this.#wanted.set(calendar, wanted);
    void wanted.ask();
  }

  unsubscribe(calendar: string): void {
    if (!this.#drop(calendar)) return;
    this.#send({ kind: "leave", calendar });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#liveness.stop();
    for (const wanted of this.#wanted.values()) wanted.close();
    this.#lead_tab?.close();
    this.#election.close();
    this.#channel.close();
    this.#leave();
  }

  #nameOf(tab: string): string {
    return `${this.#name} ${tab}`;
  }

  #drop(calendar: string): boolean {
    this.#wanted.get(calendar)?.close();
    return this.#wanted.delete(calendar);
  }

  #send(message: Unsigned): void {
    if (this.#isClosed) return;
    const signed = { ...message, from: this.#id } as Message;
    this.#channel.postMessage(signed);
    if (this.#lead_tab !== undefined) this.#take(signed);
  }

  #take(message: Message): void {
    if (this.#isClosed) return;
    if (isRequest(message)) this.#lead_tab?.take(message);
    else this.#notice(message);
  }

  #notice(message: Notice): void {
    // A lead tab that was frozen does not know yet that another one leads.
    const isNew = message.kind === "leading" || this.#leading === undefined;
    if (!isNew && message.from !== this.#leading) return;
    this.#liveness.heard();
    if (message.kind === "change" || (message.kind === "beat" && message.isHeard))
      this.#events.heard();
    if (isNew) this.#adopt(message.from);
    this.#hear(message);
  }

  #adopt(lead_tab: string): void {
    this.#leading = lead_tab;
    this.#liveness.stop();
    if (lead_tab !== this.#id) {
      this.#lead_tab?.close();
      this.#lead_tab = undefined;
      this.#liveness.start(BEAT_MS);
      this.#settle();
    }
    for (const wanted of this.#wanted.values()) void wanted.ask();
  }

  #hear(message: Notice): void {
    if (message.kind === "lost") this.#lose(message.reason);
    if (!("calendar" in message)) return;
    const wanted = this.#wanted.get(message.calendar);
    if (message.kind === "change") wanted?.take(message.change);
    else if (message.kind === "gap") void wanted?.skip(message.after);
    else if (message.kind === "refused") this.#failed(message.calendar, readError(message.error));
    else if (message.to === this.#id) void wanted?.follow(message.after);
  }

  async #lead(): Promise<void> {
    const lead_tab = new LeadTab({
      tell: (message) => this.#lead_tab === lead_tab && this.#send(message),
      watch: (tab, signal, gone) => {
        if (tab === this.#id) return;
        this.#tabs.locks.request(this.#nameOf(tab), { signal }, gone).catch(() => {});
      },
    });
    this.#lead_tab = lead_tab;
    try {
      await lead_tab.lead(this.#open, this.transport, this.#setting);
      if (this.#lead_tab === lead_tab) this.#settle();
    } catch (error) {
      if (this.#lead_tab !== lead_tab || this.#isClosed) return;
      this.#settle(error);
      this.#send({ kind: "lost", reason: "transport_lost" });
    }
  }

  #deposed(): void {
    this.#lead_tab?.close();
    this.#lead_tab = undefined;
    if (this.#leading !== this.#id) return;
    this.#leading = undefined;
    this.#liveness.start(BEAT_MS);
    this.#send({ kind: "hello" });
  }

  #failed(calendar: string, error: unknown): void {
    if (!this.#wanted.has(calendar)) return;
    const reason = reasonToLose(error, this.#setting.token);
    if (reason !== undefined) this.#lose(reason);
    else {
      this.unsubscribe(calendar);
      this.#events.delivered(calendar, { kind: "refused", error: error as SlotcastError });
    }
  }

  #lose(reason: Reason): void {
    if (this.#isClosed) return;
    this.close();
    if (this.#isOpen) this.#events.lost(reason);
    else this.#settle(unreachable());
  }

  #fail(error: SlotcastError): void {
    this.#settle(error);
    this.close();
  }
}
