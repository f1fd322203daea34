/** One link of a connection, and how it ended or may end. */

import { SlotcastError } from "../error.ts";
import type { Link } from "../transports/link.ts";
import type { Liveness } from "../transports/liveness.ts";
import type { Reason, Transport } from "../transports/state.ts";

/** A link with the calendars watched on it. It counts once each of them has answered. */
export interface OpenedLink {
  readonly arrival: Reason;
  readonly awaited: Set<string>;
  readonly liveness: Liveness;
  link?: Link;
  /** Set also where it was lost before we came to use it. */
  lost?: Reason;
}

export function closeLink(opened: OpenedLink | undefined): void {
  opened?.liveness.stop();
  opened?.link?.close();
}

export const isTwoWay = (transport: Transport): boolean =>
  transport === "websocket" || transport === "polling";

/** Final: the same token will be refused again. Anything else may pass. */
export const isRefusal = (error: unknown): error is SlotcastError =>
  error instanceof SlotcastError && (error.code === "unauthorized" || error.code === "forbidden");

/** It took the connection and said nothing: worse than a clear no, which costs no time. */
export const isTimeout = (error: unknown): boolean =>
  error instanceof SlotcastError && error.code === "timeout";
