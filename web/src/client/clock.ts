/** The server's clock, as seen from here. Holds are counted down by it, never by the
 * visitor's own clock, which may be minutes off.
 *
 * A sample says: when the server wrote `server_time`, it was between `sent` and `received`
 * here. The middle is the best guess, half the round trip its uncertainty. The surest
 * sample wins, but it ages (a laptop's clock drifts and is set), so that a new one that
 * contradicts it replaces it. */

/** Clocks drift by up to about 100 ppm. */
const DRIFT = 1e-4;

export class ServerClock {
  #offset_ms = 0;
  #uncertainty_ms = Number.POSITIVE_INFINITY;
  #observed_at = 0;
  readonly #local: () => number;

  constructor(local: () => number = Date.now) {
    this.#local = local;
  }

  get isKnown(): boolean {
    return Number.isFinite(this.#uncertainty_ms);
  }

  /** Server time minus local time, in milliseconds. */
  get offset_ms(): number {
    return this.#offset_ms;
  }

  observe(server_time: string, sent: number, received: number): void {
    const server = Date.parse(server_time);
    if (Number.isNaN(server)) return;
    const offset = server - (sent + received) / 2;
    const uncertainty = Math.max(0, received - sent) / 2;
    const aged = this.#uncertainty_ms + Math.abs(received - this.#observed_at) * DRIFT;
    const contradicts = Math.abs(offset - this.#offset_ms) > uncertainty + aged;
    if (uncertainty > aged && !contradicts) return;
    this.#offset_ms = offset;
    this.#uncertainty_ms = uncertainty;
    this.#observed_at = received;
  }

  /** The server's now, in epoch milliseconds. */
  now(): number {
    return this.#local() + this.#offset_ms;
  }
}
