/** Opens the link for a rung of the ladder. */

import { unreachable } from "../error.ts";
import { limitOf } from "../timeout.ts";
import type { Link, LinkEvents, LinkSetting, OpenLink } from "./link.ts";
import { openSocket } from "./socket.ts";

const loadOneWay = () => import("./one_way_link.ts");

export const openLink: OpenLink = async (transport, setting, events) => {
  if (transport === "sse" || transport === "longpoll") {
    const { openOneWayLink } = await loadInTime(setting);
    return openOneWayLink(transport, setting, events);
  }
  try {
    return transport === "polling" && !setting.isStaff && typeof document !== "undefined"
      ? await openPolling(setting, events)
      : await openSocket(transport, setting, events);
  } finally {
    // The other transports must be here before the network is gone.
    loadOneWay().catch(() => {});
  }
};

/** Visitors' tabs share one session: each poll is one of the six connections of a browser to a host. */
async function openPolling(setting: LinkSetting, events: LinkEvents): Promise<Link> {
  const code = await loadInTime(setting).catch(() => undefined);
  return code === undefined
    ? openSocket("polling", setting, events)
    : code.openPollingLink("polling", setting, events);
}

/** An import has no time-out of its own. */
async function loadInTime({ open_ms, signal }: LinkSetting): ReturnType<typeof loadOneWay> {
  const limit = limitOf(open_ms, signal);
  const late = new Promise<never>((_, reject) =>
    limit.signal.addEventListener("abort", () => reject(unreachable())),
  );
  try {
    return await Promise.race([loadOneWay(), late]);
  } catch {
    throw unreachable();
  } finally {
    limit.clear();
  }
}
