/** One link of a connection, with its liveness and its end. */

import { SlotcastError } from "../error.ts";
import type { Link } from "../transports/link.ts";
import type { Liveness } from "../transports/liveness.ts";
import type { Reason, Transport } from "../transports/state.ts";

/** A link with its subscriptions. It becomes live once each of them has answered. */
export interface OpenedLink {
  readonly arrival: Reason;
  readonly awaited: Set<string>;
  readonly liveness: Liveness;
  link?: Link;
  /** Set also for a link that was lost before its first use. */
  lost?: Reason;
}

export function closeLink(opened: OpenedLink | undefined): void {
  opened?.liveness.stop();
  opened?.link?.close();
}

export const isTwoWay = (transport: Transport): boolean =>
  transport === "websocket" || transport === "polling";

/** Recognises a final refusal: the server will refuse the same token again. */
export const isRefusal = (error: unknown): error is SlotcastError =>
  error instanceof SlotcastError && (error.code === "unauthorized" || error.code === "forbidden");

/** Recognises a transport that connects and stays silent. A clear refusal costs less time. */
export const isTimeout = (error: unknown): boolean =>
  error instanceof SlotcastError && error.code === "timeout";
