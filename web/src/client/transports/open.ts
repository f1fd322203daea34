/** Opens the link for a rung of the ladder. */

import type { OpenLink } from "./link.ts";
import { openPoll } from "./poll.ts";
import { openSocket } from "./socket.ts";
import { openStream } from "./stream.ts";

export const openLink: OpenLink = (transport, setting, events) => {
  if (transport === "sse") return openStream(transport, setting, events);
  if (transport === "longpoll") return openPoll(transport, setting, events);
  return openSocket(transport, setting, events);
};
