/** Chooses the transports to try, and their order.
 *
 * Each transport has its own attempt and time-out, since a proxy may swallow a WebSocket without a
 * refusal. The transport of the last success is tried alone at first: so a restarted server gets
 * one attempt from each client. Every second attempt tries all transports. A transport that opened
 * but failed (a buffering proxy) goes to the end for a while. */

import type { Transport } from "../transports/state.ts";

export const RUNGS: readonly Transport[] = ["websocket", "polling", "sse", "longpoll"];

const USELESS_MS = 120_000;

export class Ladder {
  readonly #rungs: readonly Transport[];
  readonly #now: () => number;
  readonly #useless_until = new Map<Transport, number>();
  #working: Transport | undefined;

  constructor(rungs: readonly Transport[] = RUNGS, now: () => number = () => performance.now()) {
    this.#rungs = rungs;
    this.#now = now;
  }

  /** Returns the transports for an attempt, counted from 0 since the last live state. */
  plan(attempt: number): readonly Transport[] {
    if (this.#working !== undefined && attempt % 2 === 0) return [this.#working];
    return this.#ordered();
  }

  /** Returns the better transports, best first; none for the best. */
  above(transport: Transport): readonly Transport[] {
    return this.#rungs.slice(0, Math.max(0, this.#rungs.indexOf(transport)));
  }

  worked(transport: Transport): void {
    this.#working = transport;
    this.#useless_until.delete(transport);
  }

  cameToNothing(transport: Transport): void {
    this.#useless_until.set(transport, this.#now() + USELESS_MS);
    if (this.#working === transport) this.#working = undefined;
  }

  #ordered(): readonly Transport[] {
    const isUseless = (rung: Transport) => (this.#useless_until.get(rung) ?? 0) > this.#now();
    return [
      ...this.#rungs.filter((rung) => !isUseless(rung)),
      ...this.#rungs.filter((rung) => isUseless(rung)),
    ];
  }
}
