/** Server-sent events, one stream a calendar, for where no Socket.IO gets through.
 *
 * Read with fetch, not EventSource: it can send `Authorization`, it shows the status of a
 * refusal, and it hears the heartbeat comments, so that a proxy that buffers is found out. */

import { readError, type SlotcastError } from "./error.ts";
import { fetchJson, readProblem } from "./http.ts";
import {
  apiUrl,
  bearer,
  type Link,
  type LinkEvents,
  type LinkSetting,
  type Position,
} from "./link.ts";
import { EventParser, type ServerSentEvent } from "./sse.ts";
import type { Reason } from "./state.ts";
import type { Change, Snapshot } from "./wire.ts";

/** The first bytes are a snapshot, a replay or a heartbeat: they come at once or a proxy has them. */
const FIRST_BYTE_MS = 6_000;
/** Heartbeats come every 15 s; two may be lost. */
const SILENCE_MS = 40_000;

export async function openStream(setting: LinkSetting, events: LinkEvents): Promise<Link> {
  await probe(setting);
  const streams = new Map<string, AbortController>();
  const close = () => {
    for (const controller of streams.values()) controller.abort();
    streams.clear();
  };
  let isClosed = false;
  const lose = (reason: Reason) => {
    if (isClosed) return;
    isClosed = true;
    close();
    events.lost(reason);
  };
  return {
    transport: "sse",
    watch(calendar, position) {
      streams.get(calendar)?.abort();
      const controller = new AbortController();
      streams.set(calendar, controller);
      const deliver: LinkEvents["delivered"] = (id, delivery) => {
        if (streams.get(id) === controller) events.delivered(id, delivery);
      };
      follow(calendar, position, setting, controller, deliver).then(
        (reason) => streams.get(calendar) === controller && lose(reason),
        (error: SlotcastError) => {
          if (streams.get(calendar) !== controller) return;
          if (error.retryable) lose("transport_lost");
          else deliver(calendar, { kind: "refused", error });
        },
      );
    },
    unwatch(calendar) {
      streams.get(calendar)?.abort();
      streams.delete(calendar);
    },
    close() {
      isClosed = true;
      close();
    },
  };
}

/** Whether plain HTTP gets through, and the token with it: what the one-way rungs open with. */
export async function probe({ base, token, signal, open_ms }: LinkSetting): Promise<void> {
  const path = token === undefined ? "/../healthz" : "/calendars";
  await fetchJson(apiUrl(base, path), { signal, headers: bearer(token) }, open_ms);
}

/** Reads one stream to its end and says why it ended; rejects when it was refused. */
async function follow(
  calendar: string,
  position: Position,
  { base, token, clock }: LinkSetting,
  controller: AbortController,
  deliver: LinkEvents["delivered"],
): Promise<Reason> {
  let isSilent = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const expectWithin = (wait_ms: number) => {
    clearTimeout(timer);
    timer = setTimeout(() => {
      isSilent = true;
      controller.abort();
    }, wait_ms);
  };
  try {
    expectWithin(FIRST_BYTE_MS);
    const sent = Date.now();
    const url = apiUrl(base, `/calendars/${encodeURIComponent(calendar)}/events`, { ...position });
    const headers = { Accept: "text/event-stream", ...bearer(token) };
    const response = await fetch(url, { headers, signal: controller.signal, cache: "no-store" });
    if (!response.ok || response.body === null) {
      throw readProblem(response, await response.json().catch(() => ({})));
    }
    const parser = new EventParser();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    // With a cursor the replay follows as ordinary changes; a `reset` would say otherwise.
    let isResuming = position.after !== undefined;
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      expectWithin(SILENCE_MS);
      for (const event of parser.feed(piece.value)) {
        const delivery = readEvent(event);
        if (delivery === undefined) continue;
        if (delivery.kind === "snapshot") {
          clock.observe(delivery.snapshot.server_time, sent, Date.now());
          isResuming = false;
        }
        if (isResuming) deliver(calendar, { kind: "resumed", resumption: { changes: [] } });
        isResuming = false;
        deliver(calendar, delivery);
      }
      if (isResuming) deliver(calendar, { kind: "resumed", resumption: { changes: [] } });
      isResuming = false;
    }
    return "transport_lost";
  } catch (error) {
    if (isSilent) return "silent";
    if (error instanceof Error && error.name === "SlotcastError") throw error;
    return "transport_lost";
  } finally {
    clearTimeout(timer);
  }
}

function readEvent({ event, data }: ServerSentEvent) {
  if (event === "reset") return undefined;
  if (event === "error") return { kind: "refused", error: readError(JSON.parse(data)) } as const;
  if (event === "snapshot") {
    return { kind: "snapshot", snapshot: JSON.parse(data) as Snapshot } as const;
  }
  return event === "message"
    ? ({ kind: "change", change: JSON.parse(data) as Change } as const)
    : undefined;
}
