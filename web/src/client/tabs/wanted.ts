/** One calendar that a tab follows by the lead tab.
 *
 * `reading`: the snapshot is on its way. `asking`: the lead tab is asked, and changes before its answer
 * are of no use. `catching`: what is missing before the lead tab's cursor is on its way, and changes
 * are held. `live`: changes pass. */

import { SlotcastError } from "../error.ts";
import type { Delivery, LinkSetting, Position } from "../transports/link.ts";
import type { Change, Snapshot } from "../wire.ts";
import { readMissed, readSnapshot } from "./catch_up.ts";

export interface WantedEvents {
  ask(after: string): void;
  delivered(delivery: Delivery): void;
  failed(error: unknown): void;
}

export class Wanted {
  readonly #calendar: string;
  readonly #position: Position;
  readonly #setting: LinkSetting;
  readonly #events: WantedEvents;
  #end = new AbortController();
  #phase: "reading" | "asking" | "catching" | "live" = "reading";
  /** The cursor of the last change or of the snapshot. */
  #after: string | undefined;
  #snapshot: Snapshot | undefined;
  #isAnswered = false;
  #held: Change[] = [];

  constructor(calendar: string, position: Position, setting: LinkSetting, events: WantedEvents) {
    this.#calendar = calendar;
    this.#position = position;
    this.#setting = setting;
    this.#events = events;
    this.#after = position.after;
  }

  /** Asks the lead tab, or a new lead tab again. */
  async ask(): Promise<void> {
    if (this.#after === undefined) {
      const signal = this.#restart();
      this.#phase = "reading";
      if (!(await this.#read(signal, this.#position))) return;
    } else this.#restart();
    this.#phase = "asking";
    if (this.#after !== undefined) this.#events.ask(this.#after);
  }

  /** The lead tab tells every change after this cursor. */
  async follow(lead_after: string): Promise<void> {
    if (this.#phase !== "asking" || this.#after === undefined) return;
    const signal = this.#restart();
    this.#phase = "catching";
    const missed: Change[] = [];
    for (const at_least of [lead_after, this.#isAnswered ? undefined : this.#position.at_least]) {
      const after: string = missed.at(-1)?.cursor ?? this.#after;
      if (at_least === undefined || at_least === after) continue;
      try {
        const { calendar, setting } = { calendar: this.#calendar, setting: this.#setting };
        missed.push(...(await readMissed(calendar, { after, at_least }, setting, signal)));
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof SlotcastError && error.code === "cursor_gone")
          return this.#begin(lead_after);
        return this.#events.failed(error);
      }
      if (signal.aborted) return;
    }
    this.#answer(missed);
  }

  /** Changes before this cursor are missing. */
  async skip(lead_after: string): Promise<void> {
    if (this.#phase !== "reading") await this.#begin(lead_after);
  }

  take(change: Change): void {
    if (this.#phase === "catching") this.#held.push(change);
    else if (this.#phase === "live") this.#pass(change);
  }

  close(): void {
    this.#end.abort();
    this.#phase = "reading";
  }

  async #begin(at_least: string): Promise<void> {
    const signal = this.#restart();
    this.#phase = "catching";
    if (await this.#read(signal, { ...this.#position, at_least })) this.#answer([]);
  }

  /** Reads the snapshot. It waits for the lead tab's word that the changes after it will come. */
  async #read(signal: AbortSignal, position: Position): Promise<boolean> {
    try {
      const read = await readSnapshot(this.#calendar, position, this.#setting, signal);
      if (signal.aborted) return false;
      this.#snapshot = read;
      this.#after = read.cursor;
      return true;
    } catch (error) {
      if (!signal.aborted) this.#events.failed(error);
      return false;
    }
  }

  #answer(missed: readonly Change[]): void {
    const [snapshot, held] = [this.#snapshot, this.#held];
    this.#snapshot = undefined;
    this.#held = [];
    this.#phase = "live";
    if (snapshot !== undefined) this.#events.delivered({ kind: "snapshot", snapshot });
    else if (!this.#isAnswered)
      this.#events.delivered({ kind: "resumed", resumption: { changes: [] } });
    this.#isAnswered = true;
    for (const change of [...missed, ...held]) this.#pass(change);
  }

  #pass(change: Change): void {
    if (this.#end.signal.aborted) return;
    this.#after = change.cursor;
    this.#events.delivered({ kind: "change", change });
  }

  #restart(): AbortSignal {
    this.#end.abort();
    this.#end = new AbortController();
    this.#held = [];
    return this.#end.signal;
  }
}
