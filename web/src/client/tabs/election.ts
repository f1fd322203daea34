/** The election of one tab: the lead tab holds an exclusive lock, the others queue for it.
 *
 * The browser passes the lock on once the lead tab closes. A tab that is frozen keeps its lock, so
 * another tab takes it away. */

import type { Tabs } from "./message.ts";

export class Election {
  readonly #locks: Tabs["locks"];
  readonly #name: string;
  readonly #won: () => void;
  readonly #deposed: () => void;
  #queue = new AbortController();
  #release: (() => void) | undefined;
  #isClosed = false;

  constructor(locks: Tabs["locks"], name: string, won: () => void, deposed: () => void) {
    this.#locks = locks;
    this.#name = name;
    this.#won = won;
    this.#deposed = deposed;
  }

  /** Leads as soon as the lock is free. */
  stand(): void {
    this.#queue = new AbortController();
    this.#request({ signal: this.#queue.signal });
  }

  /** Takes the lock from a lead tab that says nothing. */
  steal(): void {
    if (this.#isClosed || this.#release !== undefined) return;
    this.#queue.abort();
    this.#request({ steal: true });
  }

  close(): void {
    this.#isClosed = true;
    this.#queue.abort();
    this.#release?.();
  }

  #request(options: LockOptions): void {
    let isHeld = false;
    const hold = () =>
      new Promise<void>((resolve) => {
        if (this.#isClosed) return resolve();
        isHeld = true;
        this.#release = resolve;
        this.#won();
      });
    this.#locks.request(this.#name, options, hold).catch(() => {
      // Either the queue was left, or another tab has taken the lock.
      if (!isHeld || this.#isClosed) return;
      this.#release = undefined;
      this.#deposed();
      this.stand();
    });
  }
}
