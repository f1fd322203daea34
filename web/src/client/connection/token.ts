/** Gets the token for connections and requests. The application's function may be slow, fail or
 * never answer. Each call has a time-out, and the next call uses a late answer. */

import { SlotcastError } from "../error.ts";

/** Null, undefined and an empty string mean that nobody is logged in. */
type Given = string | null | undefined;

export type Token = string | (() => Given | Promise<Given>);

/** A login may take a round trip or two on a slow network. */
export const TOKEN_MS = 10_000;

export class TokenSource {
  readonly #token: Token | undefined;
  #late: string | undefined;
  /** The last call without an answer. */
  #pending: Promise<string | undefined> | undefined;

  constructor(token: Token | undefined) {
    this.#token = token;
  }

  get isKnown(): boolean {
    return this.#token !== undefined;
  }

  /** Whether a good token may follow a refused one. */
  get isRenewable(): boolean {
    return typeof this.#token === "function";
  }

  /** Rejects with a passing SlotcastError if the function fails or is late. */
  async get(): Promise<string | undefined> {
    if (typeof this.#token !== "function") return this.#token || undefined;
    const late = this.#late;
    this.#late = undefined;
    if (late !== undefined) return late;
    let isLate = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = this.#token;
    const given = new Promise<Given>((resolve) => resolve(ask())).then((one) => one || undefined);
    const earlier = this.#pending ?? given;
    const answered = given.finally(() => {
      if (this.#pending === answered) this.#pending = undefined;
    });
    this.#pending = answered;
    answered.then(
      (token) => {
        if (isLate) this.#late = token;
      },
      () => {},
    );
    const limit = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        isLate = true;
        reject(noToken("The application's token function did not answer in time."));
      }, TOKEN_MS);
    });
    try {
      return await Promise.race([given, earlier.catch(() => given), limit]);
    } catch (error) {
      throw error instanceof SlotcastError && isLate
        ? error
        : noToken("The application's token function failed.");
    } finally {
      clearTimeout(timer);
    }
  }
}

const noToken = (message: string): SlotcastError =>
  new SlotcastError({ code: "timeout", message, retryable: true });
