/** Opens the link for a rung of the ladder. */

import type { OpenLink } from "./link";
import { openPoll } from "./poll";
import { openSocket } from "./socket";
import { openStream } from "./stream";

export const openLink: OpenLink = (transport, setting, events) => {
  if (transport === "sse") return openStream(setting, events);
  if (transport === "longpoll") return openPoll(setting, events);
  return openSocket(transport, setting, events);
};
