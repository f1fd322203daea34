/** The server's clock, as seen from here. Holds are counted down by it, never by the
 * visitor's own clock, which may be minutes off, and may be set while the page is open: what
 * is counted on is the time since the page was loaded (`performance.now`).
 *
 * A sample says: when the server wrote `server_time`, it was between `sent` and `received`
 * here. The middle is the best guess, half the round trip its uncertainty. The surest
 * sample wins, but it ages (a laptop's clock drifts and is set), so that a new one that
 * contradicts it replaces it. */

/** Clocks drift by up to about 100 ppm. */
const DRIFT = 1e-4;
/** Servers that share a database may be apart by as much. */
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

  /** A change was made at `server_time`: it is later than that now. After a sleep in which the
   * local time stood still, this is what is heard first. */
  passed(server_time: string): void {
    const behind = Date.parse(server_time) - this.now();
    if (!this.isKnown || !(behind > JITTER_MS)) return;
    this.#offset_ms += behind;
    this.#uncertainty_ms = behind;
    this.#observed_at = this.local();
  }

  /** The server's now, in epoch milliseconds; before it has said anything, the device's. */
  now(): number {
    return this.isKnown ? this.local() + this.#offset_ms : this.#wall();
  }
}
