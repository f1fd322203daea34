/** The life of a connection: climbs the ladder, keeps one link, and comes back by itself.
 *
 * The calendars see only deliveries, whatever happens to the link (a lost socket, a killed
 * server, another transport). The next link subscribes each calendar by its cursor, and the
 * replica drops repeated changes. */

import { delay_ms, RECONNECT } from "./backoff.ts";
import { ServerClock } from "../transports/clock.ts";
import { ClimbPlan } from "./climb_plan.ts";
import type { ConnectionSetting } from "./connection_setting.ts";
import { type Environment, thisEnvironment } from "./environment.ts";
import type { SlotcastError } from "../error.ts";
import { Ladder, RUNGS } from "./ladder.ts";
import { LinkOpener } from "./link_opener.ts";
import type { Delivery, Link } from "../transports/link.ts";
import { openLink } from "../transports/open.ts";
import { isRefusal, isTimeout, isTwoWay, closeLink, type OpenedLink } from "./opened_link.ts";
import { move, type Reason, type Status } from "../transports/state.ts";
import { type Subscriber, Subscribers } from "./subscribers.ts";
import { TokenSource } from "./token.ts";

/** A connection that is live for this long resets the back-off. Servers that restart in turn end a
 * client's connection every few seconds, and it must come back quickly each time. */
const STEADY_MS = 3_000;
/** A link that was live for less is given up for a lower rung once it falls silent. */
const SHORT_MS = 10_000;

export class Connection {
  readonly base: URL;
  readonly clock = new ServerClock();
  readonly #environment: Environment;
  readonly #tokens: TokenSource;
  readonly #ladder: Ladder;
  readonly #opener: LinkOpener;
  readonly #climbs = new ClimbPlan(() => void this.#climbUp());
  readonly #subscribers = new Subscribers();
  readonly #listeners = new Set<(status: Status) => void>();
  readonly #stopListening: () => void;
  #status: Status = { state: "connecting", reason: "started" };
  /** The live link. */
  #live: OpenedLink | undefined;
  /** An opened link on trial: the first one, or a better one beside the live link. */
  #trial: OpenedLink | undefined;
  #live_at = 0;
  #attempt = 0;
  #abort = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #steady: ReturnType<typeof setTimeout> | undefined;
  #refusal: SlotcastError | undefined;

  constructor(base: URL, setting: ConnectionSetting) {
    this.base = base;
    this.#environment = setting.environment ?? thisEnvironment();
    this.#tokens = new TokenSource(setting.token);
    const allowed = setting.transports ?? RUNGS;
    // Bookings travel only in the staff namespace, not on the one-way streams.
    this.#ladder = new Ladder(setting.isStaff ? allowed.filter(isTwoWay) : allowed);
    this.#opener = new LinkOpener({
      ...{ base, isStaff: setting.isStaff ?? false, clock: this.clock, tokens: this.#tokens },
      ...{ environment: this.#environment, open: setting.open ?? openLink },
      calendars: () => this.#subscribers.calendars,
      delivered: (opened, calendar, delivery) => this.#delivered(opened, calendar, delivery),
      lost: (opened, reason) => this.#lost(opened, reason),
    });
    this.#stopListening = this.#environment.listen((what) => this.#heard(what));
    void this.#connect();
  }

  get status(): Status {
    return this.#status;
  }

  /** The final refusal of the server, once `state` is `closed` by `refused`. */
  get refusal(): SlotcastError | undefined {
    return this.#refusal;
  }

  /** The live link, if there is one. */
  get link(): Link | undefined {
    return this.#live?.link;
  }

  get hasToken(): boolean {
    return this.#tokens.isKnown;
  }

  /** Whether a good token may follow a refused one. */
  get isRenewable(): boolean {
    return this.#tokens.isRenewable;
  }

  token(): Promise<string | undefined> {
    return this.#tokens.get();
  }

  /** Expects a message after a request. The live link ends unless one comes within 4 s or the
   * returned function is called. */
  expect(): () => void {
    return this.#live?.liveness.expect() ?? (() => {});
  }

  listen(listener: (status: Status) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  subscribe(calendar: string, subscriber: Subscriber): void {
    this.#subscribers.add(calendar, subscriber);
    this.resubscribe(calendar);
  }

  /** Subscribes again from the position of the subscriber: after a gap, or for another window. */
  resubscribe(calendar: string): void {
    for (const opened of [this.#live, this.#trial])
      this.#subscribers.subscribe(calendar, opened?.link);
  }

  unsubscribe(calendar: string): void {
    this.#subscribers.remove(calendar);
    for (const opened of [this.#live, this.#trial]) {
      opened?.link?.unsubscribe(calendar);
      if (opened?.awaited.delete(calendar)) this.#settle(opened);
    }
  }

  close(): void {
    this.#end("ended");
  }

  async #connect(): Promise<void> {
    this.#cancel();
    const abort = new AbortController();
    this.#abort = abort;
    let failure: unknown;
    let token: string | undefined;
    try {
      token = await this.token();
    } catch {
      if (!abort.signal.aborted) this.#wait("token_late");
      return;
    }
    if (abort.signal.aborted) return;
    for (const transport of this.#ladder.plan(this.#attempt)) {
      try {
        const opened = await this.#opener.open(
          transport,
          token,
          "opened",
          abort.signal,
          this.#attempt,
        );
        if (abort.signal.aborted) closeLink(opened);
        else this.#try(opened);
        return;
      } catch (error) {
        if (abort.signal.aborted) return;
        failure = error;
        if (isRefusal(error)) break;
        if (isTimeout(error)) this.#ladder.cameToNothing(transport);
      }
    }
    if (!isRefusal(failure)) this.#wait("unreachable");
    else if (this.#mayRenew(failure)) this.#wait("token_refused");
    else {
      this.#refusal = failure;
      this.#end("refused");
    }
  }

  /** Returns whether a fresh token may help. An ended token always may; a forbidden one only at
   * the first two attempts. */
  #mayRenew({ code }: SlotcastError): boolean {
    return this.#tokens.isRenewable && (code === "unauthorized" || this.#attempt < 2);
  }

  /** Subscribes every calendar on it. The live link closes once all have answered. */
  #try(opened: OpenedLink): void {
    this.#trial = opened;
    if (opened.lost !== undefined) {
      this.#lost(opened, opened.lost);
      return;
    }
    const { calendars } = this.#subscribers;
    for (const calendar of calendars) opened.awaited.add(calendar);
    for (const calendar of calendars) this.#subscribers.subscribe(calendar, opened.link);
    this.#settle(opened);
  }

  #delivered(opened: OpenedLink, calendar: string, delivery: Delivery): void {
    if (opened !== this.#live && opened !== this.#trial) return;
    if (delivery.kind === "change") this.clock.passed(delivery.change.at);
    this.#subscribers.deliver(calendar, delivery);
    if (delivery.kind !== "change" && opened.awaited.delete(calendar)) this.#settle(opened);
  }

  #settle(opened: OpenedLink): void {
    const transport = opened.link?.transport;
    if (opened !== this.#trial || transport === undefined || opened.awaited.size > 0) return;
    closeLink(this.#live);
    this.#live = opened;
    this.#live_at = performance.now();
    if (opened.link?.heartbeat_ms !== undefined) opened.liveness.start(opened.link.heartbeat_ms);
    this.#trial = undefined;
    this.#ladder.worked(transport);
    clearTimeout(this.#steady);
    this.#steady = setTimeout(() => {
      this.#attempt = 0;
    }, STEADY_MS);
    this.#go({ state: "live", reason: opened.arrival, transport });
    this.#planClimb();
  }

  #lost(opened: OpenedLink, reason: Reason): void {
    if (opened !== this.#live && opened !== this.#trial) return;
    const transport = opened.link?.transport;
    // A link that was live for a while and falls silent is no worse than the network.
    const isShort = performance.now() - this.#live_at < SHORT_MS;
    const isUseless = opened === this.#trial || (reason === "silent" && isShort);
    if (isUseless && transport !== undefined) this.#ladder.cameToNothing(transport);
    if (opened === this.#trial && this.#live !== undefined) {
      closeLink(opened);
      this.#trial = undefined;
      this.#planClimb();
      return;
    }
    this.#cancel();
    this.#wait(reason);
  }

  #wait(reason: Reason): void {
    const wait = delay_ms(RECONNECT, this.#attempt);
    this.#attempt += 1;
    const state = this.#environment.isOnline() ? "reconnecting" : "offline";
    this.#go({ state, reason, retry_at: Date.now() + wait });
    this.#timer = setTimeout(() => void this.#connect(), wait);
  }

  #heard(what: "online" | "offline" | "woken"): void {
    if (this.#status.state === "closed") return;
    // A transport that was blocked may work on another network or after a sleep.
    this.#climbs.reset();
    if (what === "offline") {
      this.#cancel();
      this.#wait("network_lost");
    } else if (this.#live === undefined) {
      this.#attempt = 0;
      const reason = what === "online" ? "network_back" : "woken";
      if (this.#status.state !== "connecting") this.#go({ state: "reconnecting", reason });
      void this.#connect();
    } else {
      // A socket may have died during the sleep. An answer, or its absence, shows it.
      for (const calendar of this.#subscribers.calendars) this.resubscribe(calendar);
      if (this.#subscribers.size > 0) this.expect();
      if (this.#climbs.isPlanned) this.#planClimb();
    }
  }

  #planClimb(): void {
    const transport = this.#live?.link?.transport;
    if (transport !== undefined && this.#ladder.above(transport).length > 0) this.#climbs.plan();
    else {
      this.#climbs.cancel();
      this.#climbs.reset();
    }
  }

  /** Opens a better transport beside the live one before the live one closes. */
  async #climbUp(): Promise<void> {
    const { signal } = this.#abort;
    const from = this.#live?.link?.transport;
    if (from !== undefined && this.#environment.isVisible()) {
      const given = await this.token()
        .then((token) => ({ token }))
        .catch(() => undefined);
      if (signal.aborted) return;
      const better = given === undefined ? [] : this.#ladder.above(from);
      const opened = await this.#opener.openFirst(better, given?.token, signal, this.#attempt);
      if (signal.aborted) return closeLink(opened);
      if (opened !== undefined) return this.#try(opened);
    }
    this.#planClimb();
  }

  /** Closes both links and cancels the timers. */
  #cancel(): void {
    const links = [this.#live, this.#trial];
    this.#live = undefined;
    this.#trial = undefined;
    for (const opened of links) closeLink(opened);
    this.#abort.abort();
    clearTimeout(this.#timer);
    clearTimeout(this.#steady);
    this.#climbs.cancel();
  }

  #end(reason: Reason): void {
    if (this.#status.state === "closed") return;
    this.#cancel();
    this.#stopListening();
    this.#go({ state: "closed", reason });
  }

  #go(to: Status): void {
    this.#status = move(this.#status, to);
    for (const listener of [...this.#listeners]) listener(to);
  }
}
