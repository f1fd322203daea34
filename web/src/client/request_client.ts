/** Sends requests over the live link or HTTP, and repeats them until an answer comes.
 *
 * A mutation gets its key here, once. It may be sent again under the same key as often as
 * needed: the server's idempotency record answers the second sending with the first outcome. */

import { delay_ms, RESEND } from "./connection/backoff.ts";
import type { Connection } from "./connection/connection.ts";
import { isPassing, SlotcastError } from "./error.ts";
import { fetchJson, fetchText, hasRoute, requestOverHttp } from "./http.ts";
import { newKey } from "./key.ts";
import { apiUrl, bearer } from "./transports/link.ts";
import type { Shape } from "./shape_part.ts";
import type { ClientStorage } from "./storage.ts";
import { UnsettledCommands } from "./unsettled.ts";
import type { Answers, Fields } from "./wire.ts";

/** A server's restart and most outages are shorter. */
const DEADLINE_MS = 45_000;
/** The visitor decides on a longer wait. */
const LONGEST_WAIT_MS = 10_000;

/** The number of fresh tokens after refused ones. */
const RENEWALS = 3;
export class RequestClient {
  readonly #connection: Connection;
  readonly #unsettled: UnsettledCommands;
  #isSettling = false;

  /** `storage` keeps the commands without an answer, under the name `item`. */
  constructor(connection: Connection, storage?: ClientStorage, item = "") {
    this.#connection = connection;
    this.#unsettled = new UnsettledCommands(storage, item);
    connection.listen(({ state }) => state === "live" && void this.#settle());
  }

  /** Sends a read. It needs no key. */
  read<Name extends keyof Answers>(name: Name, fields: Fields): Promise<Answers[Name]> {
    return this.#deliver(name, fields);
  }

  /** Sends a command. `fields` may have the key of an earlier attempt: then the caller repeats it
   * himself. Else a repeated command without an answer keeps its key. The error of a command without
   * an answer has the key. */
  async mutate<Name extends keyof Answers>(name: Name, fields: Fields): Promise<Answers[Name]> {
    const isOwn = fields.key !== undefined;
    const command = isOwn ? undefined : await this.#unsettled.start(name, fields);
    const key = command?.key ?? (fields.key as string | undefined) ?? newKey();
    let hasAnswer = true;
    try {
      return await this.#deliver(name, { ...fields, key });
    } catch (error) {
      if (error instanceof SlotcastError && isPassing(error)) {
        error.key = key;
        hasAnswer = false;
      }
      throw error;
    } finally {
      if (command !== undefined) this.#unsettled.end(command, hasAnswer);
    }
  }

  /** Reads once over HTTP. */
  async fetch(path: string, shape: Shape, query: Record<string, string> = {}): Promise<Fields> {
    const init = { headers: bearer(await this.#connection.token()) };
    return fetchJson(apiUrl(this.#connection.base, path, query), init, shape);
  }

  /** Reads a booking's calendar file once. The proof of the booking stands in a header. */
  async fetchBookingFile(booking: string, token: string): Promise<string> {
    const headers = { ...bearer(await this.#connection.token()), "Booking-Token": token };
    const url = apiUrl(this.#connection.base, `/bookings/${encodeURIComponent(booking)}.ics`);
    return fetchText(url, { headers }, "text/calendar");
  }

  /** Releases holds without an answer. Such a hold would block its seats for everyone. The repeated
   * command returns the token for the release. */
  async #settle(): Promise<void> {
    if (this.#isSettling) return;
    this.#isSettling = true;
    for (const command of await this.#unsettled.holds()) {
      try {
        const { fields, key } = command;
        const { hold } = await this.#deliver("slot.hold", { ...fields, key });
        // The visitor has asked for it again: it stays.
        if (!this.#unsettled.has(command)) continue;
        this.#unsettled.drop(command);
        const proof = { hold: hold.id, token: hold.token };
        await this.#deliver("hold.release", { ...proof, key: newKey() });
      } catch (error) {
        const isOpen = error instanceof SlotcastError && isPassing(error);
        if (!isOpen) this.#unsettled.drop(command);
      }
    }
    this.#isSettling = false;
  }

  async #deliver<Name extends keyof Answers>(name: Name, asked: Fields): Promise<Answers[Name]> {
    let fields = asked;
    const deadline = performance.now() + DEADLINE_MS;
    let renewals = 0;
    let hasProof = false;
    for (let attempt = 0; ; attempt += 1) {
      // On a dead network nothing else may show the fault for long.
      const heard = this.#connection.expect();
      try {
        return (await this.#once(name, fields, attempt)) as unknown as Answers[Name];
      } catch (error) {
        if (!(error instanceof SlotcastError)) throw error;
        if (error.details.rule === "proof" && !hasProof) {
          hasProof = true;
          fields = { ...fields, proof: await this.#proof() };
          continue;
        }
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

  /** Solves a challenge. A calendar may ask for a proof of work before it keeps seats. */
  async #proof(): Promise<string | undefined> {
    return (await import("./proof.ts")).prove((shape) => this.fetch("/challenge", shape));
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
