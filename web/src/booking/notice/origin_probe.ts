/** Distinguishes a server that refuses this page's origin from a server out of reach.
 *
 * A browser reports both as a failed request. /healthz answers pages of every origin, the API only
 * listed ones. If only /healthz answers, the origin is not listed. Only pages of another origin load
 * the probe. */

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

  /** Whether the server is there and refuses this page. */
  get isRefused(): boolean {
    return this.#is_refused;
  }

  /** Probes again, now and then, as long as the page has no answer. */
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
