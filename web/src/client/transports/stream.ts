/** Server-sent events for networks without Socket.IO: one stream for all calendars, as a browser
 * opens six connections to a host. */

import { readError, type SlotcastError, unreachable } from "../error.ts";
import { fits, isChange, SNAPSHOT } from "../shape.ts";
import type { Snapshot } from "../wire.ts";
import { readEvents } from "./event_source.ts";
import { apiUrl, type Delivery, type LinkEvents, type OpenLink } from "./link.ts";
import type { LinkSetting, Position } from "./link.ts";
import { reasonToLose, probe } from "./one_way.ts";
import type { ServerSentEvent } from "./sse.ts";
import type { Reason } from "./state.ts";

const MOST_CALENDARS = 100;
const RESUMED: Delivery = { kind: "resumed", resumption: { changes: [] } };

export const openStream: OpenLink = async (_transport, setting, events) => {
  await probe(setting);
  const wanted = new Map<string, Position>();
  let controller = new AbortController();
  let isClosed = false;
  let isPlanned = false;
  /** A server before `/api/events` has a stream for each calendar. */
  let isOld = false;
  const close = () => {
    isClosed = true;
    controller.abort();
  };
  const lose = (reason: Reason) => {
    if (isClosed) return;
    close();
    events.lost(reason);
  };
  const deliver = (calendar: string, delivery: Delivery) => {
    const position = wanted.get(calendar);
    if (position === undefined) return;
    const { kind } = delivery;
    if (kind === "change") wanted.set(calendar, after(position, delivery.change.cursor));
    else if (kind === "snapshot") wanted.set(calendar, after(position, delivery.snapshot.cursor));
    else if (kind === "refused") wanted.delete(calendar);
    events.delivered(calendar, delivery);
  };
  /** Opens the stream anew, for the calendars of now. */
  const open = () => {
    isPlanned = false;
    controller.abort();
    const own = new AbortController();
    controller = own;
    const isCurrent = () => controller === own && !isClosed;
    for (const group of byWindow(wanted, isOld)) {
      const heard = () => isCurrent() && events.heard();
      const take = (id: string, delivery: Delivery) => isCurrent() && deliver(id, delivery);
      follow(group, setting, own, take, heard).then(
        (reason) => isCurrent() && lose(reason),
        (error: unknown) => {
          if (!isCurrent()) return;
          const reason = reasonToLose(error, setting.token);
          if (reason !== undefined) return lose(reason);
          if (group.size > 1 && isUnknown(error as SlotcastError)) {
            isOld = true;
            return plan();
          }
          for (const id of group.keys())
            deliver(id, { kind: "refused", error: error as SlotcastError });
        },
      );
    }
  };
  const plan = () => {
    if (isPlanned || isClosed) return;
    isPlanned = true;
    queueMicrotask(() => isClosed || open());
  };
  return {
    transport: "sse",
    subscribe(calendar, position) {
      wanted.set(calendar, position);
      plan();
    },
    unsubscribe(calendar) {
      wanted.delete(calendar);
      if (wanted.size === 0) controller.abort();
    },
    close,
  };
};

const after = ({ at_least: _, ...position }: Position, cursor: string): Position => ({
  ...position,
  after: cursor,
});

/** Whether the server has no such route; an unknown calendar is named in the details. */
const isUnknown = ({ code, details }: SlotcastError): boolean =>
  code === "not_found" && details.what === undefined;

/** A stream has one window for the snapshots of all its calendars, and at most 100 calendars. */
function byWindow(
  wanted: ReadonlyMap<string, Position>,
  isOld: boolean,
): readonly Map<string, Position>[] {
  const groups = new Map<string, Map<string, Position>>();
  for (const [index, [calendar, position]] of [...wanted].entries()) {
    const hundred = Math.floor(index / MOST_CALENDARS);
    const window = isOld ? calendar : `${position.from} ${position.to} ${hundred}`;
    const group = groups.get(window) ?? new Map<string, Position>();
    groups.set(window, group.set(calendar, position));
  }
  return [...groups.values()];
}

/** Follows the calendars until aborted and resolves with the reason. Rejects when all are refused. */
function follow(
  group: ReadonlyMap<string, Position>,
  setting: LinkSetting,
  controller: AbortController,
  deliver: LinkEvents["delivered"],
  heard: () => void,
): Promise<Reason> {
  const { clock, token } = setting;
  const sent = clock.local();
  const [only] = group.size === 1 ? group.keys() : [];
  // After a cursor the replay follows as ordinary changes, unless a `reset` comes.
  const resuming = new Set([...group].filter(([, { after }]) => after !== undefined).map(first));
  const resume = (calendar: string) => {
    if (resuming.delete(calendar)) deliver(calendar, RESUMED);
  };
  let known = "";
  return readEvents(urlOf(group, setting), setting, controller, (events, id) => {
    heard();
    for (const event of events) {
      const [calendar, delivery] = readEvent(event, only) ?? [];
      if (calendar === undefined || delivery === undefined) continue;
      if (delivery.kind === "change") resume(calendar);
      else resuming.delete(calendar);
      if (delivery.kind === "snapshot")
        clock.observe(delivery.snapshot.server_time, sent, clock.local());
      if (delivery.kind === "refused" && token !== undefined) {
        // The token has ended. The connection gets a fresh one, or is refused with this one.
        if (delivery.error.code === "unauthorized") throw delivery.error;
      }
      deliver(calendar, delivery);
    }
    // The stream of one calendar begins with its replay, that of many ends it with an `id`.
    if (only !== undefined) resume(only);
    else if (id !== known) for (const calendar of [...resuming]) resume(calendar);
    known = id;
  });
}

const first = ([calendar]: readonly [string, Position]): string => calendar;

function urlOf(group: ReadonlyMap<string, Position>, { base }: LinkSetting): URL {
  const [[calendar, position] = ["", {}]] = group;
  const { from, to } = position;
  if (group.size === 1) {
    const path = `/calendars/${encodeURIComponent(calendar)}/events`;
    return apiUrl(base, path, { ...position, beat: "1" });
  }
  const cursors = (of: "after" | "at_least") => {
    const given = [...group].flatMap(([id, one]) => (one[of] ? [`${id}:${one[of]}`] : []));
    return given.length > 0 ? given.join(",") : undefined;
  };
  const calendars = [...group.keys()].join(",");
  const query = { calendars, after: cursors("after"), at_least: cursors("at_least"), from, to };
  return apiUrl(base, "/events", { ...query, beat: "1" });
}

/** Returns the calendar of an event and its delivery. `only` is the calendar of a stream of one. */
function readEvent(
  { event, data }: ServerSentEvent,
  only: string | undefined,
): readonly [string, Delivery] | undefined {
  if (!["snapshot", "message", "refused"].includes(event)) return undefined;
  const said: unknown = JSON.parse(data);
  if (event === "message" && isChange(said)) {
    return [only ?? said.calendar, { kind: "change", change: said }];
  }
  if (event === "snapshot" && fits(said, SNAPSHOT)) {
    const snapshot = said as unknown as Snapshot;
    return [only ?? snapshot.info.id, { kind: "snapshot", snapshot }];
  }
  const { calendar, error } = (said ?? {}) as { calendar?: unknown; error?: unknown };
  if (event !== "refused" || typeof calendar !== "string") throw unreachable();
  return [calendar, { kind: "refused", error: readError(error) }];
}
