/** Tells a server that refuses this page's origin from one that cannot be reached.
 *
 * A browser says of both only that the request failed. /healthz answers pages of every origin, the
 * API those that the server lists: where the one answers and the other does not, the list is why. */

import { listCalendars, SlotcastError } from "../../client";

const PAUSE_MS = 5_000;
const LIMIT_MS = 8_000;

export class OriginProbe {
  readonly #home: URL;
  readonly #changed: () => void;
  #is_refused = false;
  #at = -Infinity;

  constructor(home: string, changed: () => void) {
    this.#home = new URL(home);
    this.#changed = changed;
  }

  /** Whether the server is there and does not take this page. */
  get isRefused(): boolean {
    return this.#is_refused;
  }

  /** Looks again, now and then, as long as the page is without an answer. */
  look(isAnswered: boolean): void {
    if (isAnswered || this.#home.origin === self.origin) {
      this.#is_refused = false;
      return;
    }
    if (performance.now() - this.#at < PAUSE_MS) return;
    this.#at = performance.now();
    void this.#probe().then((is) => {
      if (is === this.#is_refused) return;
      this.#is_refused = is;
      this.#changed();
    });
  }

  async #probe(): Promise<boolean> {
    try {
      await listCalendars(this.#home);
      return false;
    } catch (error) {
      if (!(error instanceof SlotcastError)) return false;
      if (error.details.rule === "origin") return true;
      return error.code === "unreachable" && this.#isThere();
    }
  }

  async #isThere(): Promise<boolean> {
    const path = `${this.#home.pathname.replace(/\/$/, "")}/healthz`;
    try {
      const signal = AbortSignal.timeout(LIMIT_MS);
      const answer = await fetch(new URL(path, this.#home), { signal, cache: "no-store" });
      return ((await answer.json()) as { readonly status?: unknown }).status === "ok";
    } catch {
      return false;
    }
  }
}
