/** The messages between the tabs of one browser, on one BroadcastChannel. */

import type { ErrorBody } from "../error.ts";
import type { Reason } from "../transports/state.ts";
import type { Change } from "../wire.ts";

/** To the lead tab. `hello` asks for a beat; `want` has the cursor to follow the calendar from. */
type Asked =
  | { readonly kind: "hello" }
  | { readonly kind: "want"; readonly calendar: string; readonly after: string }
  | { readonly kind: "leave"; readonly calendar: string };

/** From the lead tab. It follows a calendar after a cursor: every change after it comes by the channel.
 * `gap` says that changes before the cursor are missing. `isHeard` says that the server has spoken. */
type Told =
  | { readonly kind: "leading" }
  | { readonly kind: "beat"; readonly isHeard: boolean }
  | { readonly kind: "following"; readonly calendar: string; readonly after: string; to: string }
  | { readonly kind: "gap"; readonly calendar: string; readonly after: string }
  | { readonly kind: "change"; readonly calendar: string; readonly change: Change }
  | { readonly kind: "refused"; readonly calendar: string; readonly error: ErrorBody }
  | { readonly kind: "lost"; readonly reason: Reason };

type From = { readonly from: string };

export type Request = Asked & From;
export type Notice = Told & From;
export type Message = Request | Notice;
export type Unsigned = Asked | Told;

export const isRequest = (message: Message): message is Request =>
  message.kind === "hello" || message.kind === "want" || message.kind === "leave";

/** What a browser gives to its tabs. */
export interface Tabs {
  readonly locks: Pick<LockManager, "request">;
  channel(name: string): BroadcastChannel;
}
