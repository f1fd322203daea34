/** Tabs of one browser share one stream, or one session of polling, because a browser opens six HTTP/1.1
 * connections to a host.
 *
 * One tab leads: it holds the link, and tells the others every change. Only tabs of one origin, with
 * one server and one token, share. */

import type { Link, LinkEvents, LinkSetting, OpenLink } from "../transports/link.ts";
import type { Transport } from "../transports/state.ts";
import type { Tabs } from "./message.ts";
import { TabLink } from "./tab_link.ts";

const thisBrowser = (): Tabs => ({
  locks: navigator.locks,
  channel: (name) => new BroadcastChannel(name),
});

export async function openShared(
  transport: Transport,
  setting: LinkSetting,
  events: LinkEvents,
  open: OpenLink,
  tabs: Tabs = thisBrowser(),
): Promise<Link> {
  const name = await nameOf(transport, setting);
  const link = new TabLink(name, transport, setting, events, open, tabs);
  await link.opened();
  return link;
}

/** The name of the channel and the lock. It has a hash of the token, and its form's version. */
export async function nameOf(
  transport: Transport,
  { base, token = "" }: Pick<LinkSetting, "base" | "token">,
): Promise<string> {
  const text = new TextEncoder().encode(`${base.href}\n${token}`);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", text));
  const hash = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return `slotcast 1 ${transport} ${hash}`;
}
