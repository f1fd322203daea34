/** Estimates the server's clock. Countdowns of holds use it. The visitor's own clock may be
 * minutes off and may be set while the page is open, so the estimate counts from
 * `performance.now`.
 *
 * A sample means: the server wrote `server_time` between `sent` and `received` local time.
 * The middle is the estimate, and half the round trip is its uncertainty. The sample with the
 * lowest uncertainty wins. Its uncertainty grows with age, because clocks drift. A new sample
 * replaces it when the two contradict each other. */

/** Clocks drift by up to about 100 ppm. */
const DRIFT = 1e-4;
/** The clocks of servers on one database may differ by this much. */
const JITTER_MS = 1_000;

export class ServerClock {
  #offset_ms = 0;
  #uncertainty_ms = Number.POSITIVE_INFINITY;
  #observed_at = 0;
  /** Milliseconds that only go forward. They may stand still while the device sleeps. */
  readonly local: () => number;
  readonly #wall: () => number;

  constructor(local: () => number = () => performance.now(), wall: () => number = Date.now) {
    this.local = local;
    this.#wall = wall;
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

  /** Moves the clock forward to the time of a change. The first change after a sleep corrects a
   * local time that stood still. */
  passed(server_time: string): void {
    const behind = Date.parse(server_time) - this.now();
    if (!this.isKnown || !(behind > JITTER_MS)) return;
    this.#offset_ms += behind;
    this.#uncertainty_ms = behind;
    this.#observed_at = this.local();
  }

  /** Returns the server's time in epoch milliseconds, or the device's before the first sample. */
  now(): number {
    return this.isKnown ? this.local() + this.#offset_ms : this.#wall();
  }
}
