/** Sends requests over the live link or HTTP, and repeats them until an answer comes.
 *
 * A mutation gets its key here, once. It may be sent again under the same key as often as
 * needed: the server's idempotency record answers the second sending with the first outcome. */

import { delay_ms, RESEND } from "./connection/backoff.ts";
import type { Connection } from "./connection/connection.ts";
import { isPassing, SlotcastError } from "./error.ts";
import { fetchJson, hasRoute, requestOverHttp } from "./http.ts";
import { newKey } from "./key.ts";
import { apiUrl, bearer } from "./transports/link.ts";
import type { Shape } from "./shape.ts";
import type { Answers, Fields } from "./wire.ts";

/** A server's restart and most outages are shorter. */
const DEADLINE_MS = 45_000;
/** The visitor decides on a longer wait. */
const LONGEST_WAIT_MS = 10_000;

/** The number of fresh tokens after refused ones. */
const RENEWALS = 3;
/** The time for which an equal command counts as another try. */
const AGAIN_MS = 600_000;
/** The longest hold. Nothing of an older one is left. */
const HOLD_MS = 3_600_000;

/** A command without an answer. It may have been done. */
interface Unsettled {
  readonly name: keyof Answers;
  readonly fields: Fields;
  readonly key: string;
  readonly at: number;
}

export class RequestClient {
  readonly #connection: Connection;
  readonly #unsettled = new Map<string, Unsettled>();
  #isSettling = false;

  constructor(connection: Connection) {
    this.#connection = connection;
    connection.listen(({ state }) => state === "live" && void this.#settle());
  }

  /** Sends a read. It needs no key. */
  read<Name extends keyof Answers>(name: Name, fields: Fields): Promise<Answers[Name]> {
    return this.#deliver(name, fields);
  }

  /** Sends a command. `fields` may have the key of an earlier attempt. A repeated command without
   * an answer keeps its key. The error of a command without an answer has the key. */
  async mutate<Name extends keyof Answers>(name: Name, fields: Fields): Promise<Answers[Name]> {
    const command = JSON.stringify([name, fields]);
    const given_up = this.#unsettled.get(command);
    const isRecent = given_up !== undefined && performance.now() - given_up.at < AGAIN_MS;
    this.#unsettled.delete(command);
    const key =
      (fields.key as string | undefined) ?? (isRecent ? given_up.key : undefined) ?? newKey();
    try {
      return await this.#deliver(name, { ...fields, key });
    } catch (error) {
      if (error instanceof SlotcastError && isPassing(error)) {
        error.key = key;
        // A caller with a key of its own repeats the command itself.
        if (fields.key === undefined) {
          this.#unsettled.set(command, { name, fields, key, at: performance.now() });
        }
      }
      throw error;
    }
  }

  /** Reads once over HTTP. */
  async fetch(path: string, shape: Shape, query: Record<string, string> = {}): Promise<Fields> {
    const init = { headers: bearer(await this.#connection.token()) };
    return fetchJson(apiUrl(this.#connection.base, path, query), init, shape);
  }

  /** Releases holds without an answer. Such a hold would block its seats for everyone. The repeated
   * command returns the token for the release. */
  async #settle(): Promise<void> {
    if (this.#isSettling) return;
    this.#isSettling = true;
    for (const [command, { name, fields, key, at }] of [...this.#unsettled]) {
      if (name !== "slot.hold") continue;
      try {
        if (performance.now() - at < HOLD_MS) {
          const { hold } = await this.#deliver("slot.hold", { ...fields, key });
          // The visitor has asked for it again: it stays.
          if (!this.#unsettled.has(command)) continue;
          this.#unsettled.delete(command);
          const proof = { hold: hold.id, token: hold.token };
          await this.#deliver("hold.release", { ...proof, key: newKey() });
        }
        this.#unsettled.delete(command);
      } catch (error) {
        if (!(error instanceof SlotcastError && isPassing(error))) this.#unsettled.delete(command);
      }
    }
    this.#isSettling = false;
  }

  async #deliver<Name extends keyof Answers>(name: Name, fields: Fields): Promise<Answers[Name]> {
    const deadline = performance.now() + DEADLINE_MS;
    let renewals = 0;
    for (let attempt = 0; ; attempt += 1) {
      // On a dead network nothing else may show the fault for long.
      const heard = this.#connection.expect();
      try {
        return (await this.#once(name, fields, attempt)) as unknown as Answers[Name];
      } catch (error) {
        if (!(error instanceof SlotcastError)) throw error;
        const isEnded = error.code === "unauthorized" && this.#connection.isRenewable;
        if (isEnded) renewals += 1;
        const mayRenew = isEnded && renewals < RENEWALS;
        if (!isPassing(error) && !mayRenew) throw error;
        const wait = Math.max(error.retry_after_ms, delay_ms(RESEND, attempt));
        if (performance.now() + wait > deadline || wait > LONGEST_WAIT_MS) throw error;
        await new Promise((resolve) => setTimeout(resolve, wait));
      } finally {
        heard();
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
    // A second try takes another way than the silent socket.
    const mayUseLink = attempt % 2 === 0 || !hasRoute(name);
    if (link?.request !== undefined && mayUseLink) return link.request(name, fields);
    return requestOverHttp(this.#connection.base, await this.#connection.token(), name, fields);
  }
}
