/** Notices a dead link. A network that drops every packet closes no socket, and Socket.IO's
 * own ping time-out takes 45 s.
 *
 * Two missed heartbeats end the link. Silence for 4 s after a request ends it too. */

/** The longest silence after a request. */
export const ACT_MS = 4_000;
const SLACK_MS = 1_000;

export class Liveness {
  readonly #lost: () => void;
  #heard_at = performance.now();
  #silence_ms = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  readonly #expected = new Set<ReturnType<typeof setTimeout>>();

  constructor(lost: () => void) {
    this.#lost = lost;
  }

  heard(): void {
    this.#heard_at = performance.now();
  }

  /** Starts the watch for heartbeats. Silence for two of them and a second ends the link. */
  start(heartbeat_ms: number): void {
    this.heard();
    this.#silence_ms = 2 * heartbeat_ms + SLACK_MS;
    this.#arm(this.#silence_ms);
  }

  /** Ends the link unless a message comes soon. The returned function cancels this. */
  expect(): () => void {
    const asked_at = performance.now();
    const timer = setTimeout(() => {
      this.#expected.delete(timer);
      const is_late = performance.now() - asked_at > ACT_MS + SLACK_MS;
      if (this.#heard_at > asked_at) return;
      // A suspended page has not read its messages yet.
      if (is_late) this.expect();
      else this.#lost();
    }, ACT_MS);
    this.#expected.add(timer);
    return () => {
      clearTimeout(timer);
      this.#expected.delete(timer);
    };
  }

  stop(): void {
    clearTimeout(this.#timer);
    for (const timer of this.#expected) clearTimeout(timer);
    this.#expected.clear();
  }

  #arm(wait_ms: number): void {
    const due_at = performance.now() + wait_ms;
    this.#timer = setTimeout(() => {
      const now = performance.now();
      const left = this.#heard_at + this.#silence_ms - now;
      if (left > 0) this.#arm(left);
      else if (now - due_at > SLACK_MS) this.#arm(ACT_MS);
      else this.#lost();
    }, wait_ms);
  }
}
