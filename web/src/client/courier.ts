/** Carries a request there and its answer back, over whatever gets through.
 *
 * A mutation gets its key here, once. It may be sent again under the same key as often as
 * needed: the server's receipt answers the second sending with the first one's outcome. */

import { delay_ms, RESEND } from "./backoff.ts";
import type { Connection } from "./connection.ts";
import { isPassing, SlotcastError } from "./error.ts";
import { fetchJson, hasRoute, requestOverHttp } from "./http.ts";
import { newKey } from "./key.ts";
import { apiUrl, bearer } from "./link.ts";
import type { Answers, Fields } from "./wire.ts";

/** A server's restart and most outages are shorter. */
const DEADLINE_MS = 45_000;
/** A longer wait than this is the visitor's to decide on. */
const LONGEST_WAIT_MS = 10_000;

export class Courier {
  readonly #connection: Connection;

  constructor(connection: Connection) {
    this.#connection = connection;
  }

  /** Asks; a read needs no key. */
  read<Name extends keyof Answers>(name: Name, fields: Fields): Promise<Answers[Name]> {
    return this.#deliver(name, fields);
  }

  /** Commands; `fields` may bring a key of an earlier attempt. */
  mutate<Name extends keyof Answers>(name: Name, fields: Fields): Promise<Answers[Name]> {
    return this.#deliver(name, { ...fields, key: fields.key ?? newKey() });
  }

  /** Reads over HTTP, once, what no transport is asked for. */
  async fetch(path: string, query: Record<string, string> = {}): Promise<Fields> {
    const headers = bearer(await this.#connection.token());
    return fetchJson(apiUrl(this.#connection.base, path, query), { headers });
  }

  async #deliver<Name extends keyof Answers>(name: Name, fields: Fields): Promise<Answers[Name]> {
    const deadline = Date.now() + DEADLINE_MS;
    for (let attempt = 0; ; attempt += 1) {
      try {
        return (await this.#once(name, fields, attempt)) as unknown as Answers[Name];
      } catch (error) {
        if (!(error instanceof SlotcastError) || !isPassing(error)) throw error;
        const wait = Math.max(error.retry_after_ms, delay_ms(RESEND, attempt));
        if (Date.now() + wait > deadline || wait > LONGEST_WAIT_MS) throw error;
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }
  }

  async #once(name: string, fields: Fields, attempt: number): Promise<Fields> {
    const { state } = this.#connection.status;
    if (state === "closed" && this.#connection.refusal === undefined) {
      throw new SlotcastError({
        code: "closed",
        message: "The client was closed.",
        retryable: false,
      });
    }
    const { link } = this.#connection;
    // What the socket did not answer the first time goes another way the second time.
    const mayUseLink = attempt % 2 === 0 || !hasRoute(name);
    if (link?.request !== undefined && mayUseLink) return link.request(name, fields);
    return requestOverHttp(this.#connection.base, await this.#connection.token(), name, fields);
  }
}
