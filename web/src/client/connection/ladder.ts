/** Chooses the transports to try, and their order.
 *
 * Each rung is tried by itself and with its own time-out: a WebSocket that a proxy swallows
 * without a word must not keep the visitor from polling. The rung that last worked is tried
 * alone at first, so that a restarted server is not met by four attempts from everyone;
 * every second attempt walks the whole ladder. A rung that opened but came to nothing (a
 * buffering proxy) goes to the end for a while. */

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

  /** The rungs above this one, best first; none for the best. */
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
