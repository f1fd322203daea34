/** A link for one direction: one follower a calendar. Commands go over HTTP. stream.ts follows all
 * calendars at once. */

import { SlotcastError } from "../error.ts";
import { fetchJson } from "../http.ts";
import { apiUrl, bearer, type Link, type LinkEvents } from "./link.ts";
import type { LinkSetting, Position } from "./link.ts";
import { CALENDARS, HEALTH } from "../shape.ts";
import type { Reason, Transport } from "./state.ts";

/** Follows one calendar until aborted and resolves with the reason. Rejects when refused. */
export type Follow = (
  calendar: string,
  position: Position,
  setting: LinkSetting,
  controller: AbortController,
  deliver: LinkEvents["delivered"],
  heard: () => void,
) => Promise<Reason>;

export async function openOneWay(
  transport: Transport,
  setting: LinkSetting,
  events: LinkEvents,
  follow: Follow,
): Promise<Link> {
  await probe(setting);
  const { token } = setting;
  const followers = new Map<string, AbortController>();
  let isClosed = false;
  const close = () => {
    isClosed = true;
    for (const controller of followers.values()) controller.abort();
    followers.clear();
  };
  const lose = (reason: Reason) => {
    if (isClosed) return;
    close();
    events.lost(reason);
  };
  return {
    transport,
    subscribe(calendar, position) {
      followers.get(calendar)?.abort();
      const controller = new AbortController();
      followers.set(calendar, controller);
      const isCurrent = () => followers.get(calendar) === controller;
      const deliver: LinkEvents["delivered"] = (id, delivery) => {
        if (isCurrent()) events.delivered(id, delivery);
      };
      const heard = () => isCurrent() && events.heard();
      follow(calendar, position, setting, controller, deliver, heard).then(
        (reason) => isCurrent() && lose(reason),
        (error: unknown) => {
          if (!isCurrent()) return;
          const reason = reasonToLose(error, token);
          if (reason !== undefined) lose(reason);
          else deliver(calendar, { kind: "refused", error: error as SlotcastError });
        },
      );
    },
    unsubscribe(calendar) {
      followers.get(calendar)?.abort();
      followers.delete(calendar);
    },
    close,
  };
}

/** Returns why a failure ends the link; undefined for the refusal of a calendar. */
export function reasonToLose(error: unknown, token: string | undefined): Reason | undefined {
  if (!(error instanceof SlotcastError) || error.retryable) return reasonOf(error);
  // The token has ended. The connection gets a fresh one, or is refused with this one.
  return error.code === "unauthorized" && token !== undefined ? "server_closed" : undefined;
}

const reasonOf = (error: unknown): Reason =>
  error instanceof SlotcastError && error.code === "timeout" ? "silent" : "transport_lost";

/** Rejects unless plain HTTP and the token get through. A proxy may shut /healthz. */
export async function probe({ base, token, signal, open_ms }: LinkSetting): Promise<void> {
  const init = { signal, headers: bearer(token) };
  if (token === undefined) {
    try {
      await fetchJson(apiUrl(base, "/../healthz"), init, HEALTH, open_ms);
      return;
    } catch (error) {
      const isShut = error instanceof SlotcastError && error.code === "unreachable";
      if (!isShut || signal.aborted) throw error;
    }
  }
  await fetchJson(apiUrl(base, "/calendars"), init, CALENDARS, open_ms);
}
