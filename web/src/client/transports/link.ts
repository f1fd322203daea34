/** The contract of a transport. Implementations: socket.ts, and stream.ts and poll.ts on
 * one_way.ts.
 *
 * A link is opened once and lost once; it never reconnects by itself. It passes every message
 * of a calendar to `delivered`, in the order of the wire and in the same iteration of the event
 * loop. A promise between the answer to a subscription and the next change could swap the two.
 * After `lost` or `close()` it is silent. */

import type { ServerClock } from "./clock.ts";
import type { SlotcastError } from "../error.ts";
import type { Reason, Transport } from "./state.ts";
import type { Change, Fields, Resumption, Snapshot } from "../wire.ts";

/** The start of a subscription: a cursor, or a snapshot of a window. The server answers once it
 * has reached the cursor `at_least`. */
export interface Position {
  readonly after?: string;
  readonly at_least?: string;
  readonly from?: string;
  readonly to?: string;
}

export type Delivery =
  | { readonly kind: "snapshot"; readonly snapshot: Snapshot }
  | { readonly kind: "resumed"; readonly resumption: Pick<Resumption, "changes"> }
  | { readonly kind: "change"; readonly change: Change }
  | { readonly kind: "refused"; readonly error: SlotcastError };

export interface LinkEvents {
  delivered(calendar: string, delivery: Delivery): void;
  lost(reason: Reason): void;
  /** Reports any message of the server. */
  heard(): void;
}

export interface Link {
  readonly transport: Transport;
  /** The promised interval of heartbeats, if the server promises any. */
  readonly heartbeat_ms?: number | undefined;
  subscribe(calendar: string, position: Position): void;
  unsubscribe(calendar: string): void;
  /** Present on two-way transports. On others, commands go over HTTP. */
  request?(name: string, fields: Fields): Promise<Fields>;
  close(): void;
}

export interface LinkSetting {
  readonly base: URL;
  readonly isStaff: boolean;
  readonly token: string | undefined;
  readonly clock: ServerClock;
  readonly isVisible: () => boolean;
  /** Whether a good token may follow a refused one. */
  readonly isRenewable: boolean;
  /** The calendars that will be subscribed to. */
  readonly calendars: readonly string[];
  /** The limit for opening. */
  readonly open_ms: number;
  /** Aborted once the attempt is no longer wanted. */
  readonly signal: AbortSignal;
}

/** Resolves when open. Rejects with a SlotcastError: `unauthorized` and `forbidden` are for good. */
export type OpenLink = (
  transport: Transport,
  setting: LinkSetting,
  events: LinkEvents,
) => Promise<Link>;

/** The limit for an answer: to a subscription (it may be large), and to a request. */
export const ANSWER_MS = 8_000;
export const REQUEST_MS = 5_000;

/** Returns the URL of `/api/…` under the base. The base may have a path of its own. */
export function apiUrl(base: URL, path: string, query: Record<string, string | undefined> = {}) {
  const url = new URL(`${base.pathname.replace(/\/$/, "")}/api${path}`, base);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, value);
  }
  return url;
}

export const bearer = (token: string | undefined): Record<string, string> =>
  token === undefined ? {} : { Authorization: `Bearer ${token}` };
