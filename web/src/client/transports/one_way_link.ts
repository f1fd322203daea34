/** Opens the transports that tabs share: the one-way ones, and polling. open.ts loads this module and
 * its imports on demand, as most networks never need them. */

import { openShared } from "../tabs/share.ts";
import type { OpenLink } from "./link.ts";
import { Liveness } from "./liveness.ts";
import { openPoll } from "./poll.ts";
import { openSocket } from "./socket.ts";
import { openStream } from "./stream.ts";

export const openOneWayLink: OpenLink = async (transport, setting, events) => {
  const open = transport === "sse" ? openStream : openPoll;
  return (await canShare())
    ? openShared(transport, setting, events, open)
    : open(transport, setting, events);
};

export const openPollingLink: OpenLink = async (transport, setting, events) =>
  (await canShare())
    ? openShared(transport, setting, events, openWatched)
    : openSocket("polling", setting, events);

/** Opens polling that watches its heartbeats itself, as the streams do. */
const openWatched: OpenLink = async (_transport, setting, events) => {
  const liveness = new Liveness(() => {
    link.close();
    events.lost("silent");
  });
  const link = await openSocket("polling", setting, {
    delivered: (calendar, delivery) => events.delivered(calendar, delivery),
    heard: () => {
      liveness.heard();
      events.heard();
    },
    lost: (reason) => {
      liveness.stop();
      events.lost(reason);
    },
  });
  if (link.heartbeat_ms !== undefined) liveness.start(link.heartbeat_ms);
  return {
    ...link,
    close: () => {
      liveness.stop();
      link.close();
    },
  };
};

/** Whether tabs can share a link: in a page over HTTPS, and in a browser that has what it takes. */
async function canShare(): Promise<boolean> {
  if (typeof document === "undefined" || typeof BroadcastChannel === "undefined") return false;
  if (globalThis.crypto?.subtle === undefined || navigator.locks === undefined) return false;
  // A page without an origin has locks, and may not use them.
  return navigator.locks.query().then(
    () => true,
    () => false,
  );
}
