/** The lead tab: follows the calendars of all tabs by one link, and tells them every change. */

import type { SlotcastError } from "../error.ts";
import type { Delivery, Link, LinkSetting, OpenLink } from "../transports/link.ts";
import type { Transport } from "../transports/state.ts";
import type { Change } from "../wire.ts";
import type { Request, Unsigned } from "./message.ts";

export const BEAT_MS = 3_000;
const LEAST_BEAT_MS = 1_000;

interface Followed {
  /** The cursor of the last change. */
  after: string;
  /** Whether the link has answered. */
  isLive: boolean;
  readonly tabs: Set<string>;
  readonly waiting: Set<string>;
}

export interface LeadTabParts {
  readonly tell: (message: Unsigned) => void;
  /** Calls back once the tab has gone. */
  readonly watch: (tab: string, signal: AbortSignal, gone: () => void) => void;
}

export class LeadTab {
  readonly #parts: LeadTabParts;
  readonly #followed = new Map<string, Followed>();
  readonly #watched = new Set<string>();
  readonly #end = new AbortController();
  #link: Link | undefined;
  #heard_at = Number.NEGATIVE_INFINITY;
  #timer: ReturnType<typeof setInterval> | undefined;

  constructor(parts: LeadTabParts) {
    this.#parts = parts;
  }

  async lead(open: OpenLink, transport: Transport, setting: LinkSetting): Promise<void> {
    this.#parts.tell({ kind: "leading" });
    this.#timer = setInterval(() => this.#beat(false), BEAT_MS);
    // Another tab may be visible while this one is not.
    const link = await open(
      transport,
      { ...setting, isVisible: () => true },
      {
        // The timers of a hidden tab may run once a minute; the server's beats come all the same.
        heard: () => performance.now() - this.#heard_at > LEAST_BEAT_MS && this.#beat(true),
        delivered: (calendar, delivery) => this.#delivered(calendar, delivery),
        lost: (reason) => this.#end.signal.aborted || this.#parts.tell({ kind: "lost", reason }),
      },
    );
    if (this.#end.signal.aborted) return link.close();
    this.#link = link;
    for (const [calendar, { after }] of this.#followed) link.subscribe(calendar, { after });
  }

  take(request: Request): void {
    const { kind, from } = request;
    if (kind === "hello") this.#beat(false);
    else if (kind === "leave") this.#leave(request.calendar, from);
    else this.#want(request.calendar, request.after, from);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#end.abort();
    this.#link?.close();
  }

  #beat(isHeard: boolean): void {
    if (isHeard) this.#heard_at = performance.now();
    if (!this.#end.signal.aborted) this.#parts.tell({ kind: "beat", isHeard });
  }

  #want(calendar: string, after: string, from: string): void {
    this.#watch(from);
    const known = this.#followed.get(calendar);
    if (known === undefined) {
      const waiting = new Set([from]);
      this.#followed.set(calendar, { after, isLive: false, tabs: new Set([from]), waiting });
      this.#link?.subscribe(calendar, { after });
      return;
    }
    known.tabs.add(from);
    if (known.isLive)
      this.#parts.tell({ kind: "following", calendar, after: known.after, to: from });
    else known.waiting.add(from);
  }

  #watch(tab: string): void {
    if (this.#watched.has(tab)) return;
    this.#watched.add(tab);
    this.#parts.watch(tab, this.#end.signal, () => {
      this.#watched.delete(tab);
      for (const calendar of [...this.#followed.keys()]) this.#leave(calendar, tab);
    });
  }

  #leave(calendar: string, tab: string): void {
    const known = this.#followed.get(calendar);
    known?.waiting.delete(tab);
    if (known === undefined || !known.tabs.delete(tab) || known.tabs.size > 0) return;
    this.#followed.delete(calendar);
    this.#link?.unsubscribe(calendar);
  }

  #delivered(calendar: string, delivery: Delivery): void {
    const known = this.#followed.get(calendar);
    if (known === undefined || this.#end.signal.aborted) return;
    if (delivery.kind === "refused") {
      this.#followed.delete(calendar);
      this.#parts.tell({ kind: "refused", calendar, error: bodyOf(delivery.error) });
      return;
    }
    if (delivery.kind === "snapshot") {
      known.after = delivery.snapshot.cursor;
      known.isLive = true;
      known.waiting.clear();
      this.#parts.tell({ kind: "gap", calendar, after: known.after });
      return;
    }
    known.isLive = true;
    for (const to of known.waiting)
      this.#parts.tell({ kind: "following", calendar, after: known.after, to });
    known.waiting.clear();
    const changes = delivery.kind === "change" ? [delivery.change] : delivery.resumption.changes;
    for (const change of changes) this.#tell(calendar, known, change);
  }

  #tell(calendar: string, known: Followed, change: Change): void {
    known.after = change.cursor;
    this.#parts.tell({ kind: "change", calendar, change });
  }
}

const bodyOf = ({ code, message, retryable, details }: SlotcastError) => ({
  ...{ code, message, retryable, details },
});
