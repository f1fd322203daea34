/** Server-sent events, one stream a calendar, for where no Socket.IO gets through.
 *
 * Read with fetch, not EventSource: it can send `Authorization`, it shows the status of a
 * refusal, and it hears the heartbeat comments, so that a proxy that buffers is found out. */

import { readProblem } from "./http.ts";
import { apiUrl, bearer, type OpenLink } from "./link.ts";
import { type Follow, openOneWay } from "./one_way.ts";
import { EventParser, type ServerSentEvent } from "./sse.ts";
import type { Change, Snapshot } from "./wire.ts";

/** The first bytes are a snapshot, a replay or a heartbeat: they come at once or a proxy has them. */
const FIRST_BYTE_MS = 6_000;
/** Heartbeats come every 15 s; two may be lost. */
const SILENCE_MS = 40_000;

/** Reads one stream to its end. */
const follow: Follow = async (calendar, position, { base, token, clock }, controller, deliver) => {
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
};

export const openStream: OpenLink = (_transport, setting, events) =>
  openOneWay("sse", setting, events, follow);

function readEvent({ event, data }: ServerSentEvent) {
  if (event === "snapshot") {
    return { kind: "snapshot", snapshot: JSON.parse(data) as Snapshot } as const;
  }
  return event === "message"
    ? ({ kind: "change", change: JSON.parse(data) as Change } as const)
    : undefined;
}
