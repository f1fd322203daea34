/** Server-sent events, one stream a calendar, for networks without Socket.IO.
 *
 * It uses fetch instead of EventSource: fetch sends `Authorization`, shows the status of a
 * refusal, and shows the heartbeat comments. Without them a buffering proxy stays unnoticed. */

import { unreachable } from "../error.ts";
import { isFrom, isOf, readProblem } from "../http.ts";
import { apiUrl, bearer, type OpenLink } from "./link.ts";
import { type Follow, openOneWay } from "./one_way.ts";
import { fits, isChange, SNAPSHOT } from "../shape.ts";
import { EventParser, type ServerSentEvent } from "./sse.ts";
import type { Snapshot } from "../wire.ts";

/** The first bytes are a snapshot, a replay or a heartbeat. They come at once, unless a proxy
 * buffers them. */
const FIRST_BYTE_MS = 6_000;
/** Comments come every 15 s; two may be lost. */
const SILENCE_MS = 40_000;
/** With promised `beat` comments one comes every 3 s; two may be lost. */
const HEARTBEAT = "beat";
const HEARTBEAT_SILENCE_MS = 7_000;

/** Reads one stream to its end. */
const follow: Follow = async (calendar, position, setting, controller, deliver, heard) => {
  const { base, token, clock } = setting;
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
    const sent = clock.local();
    const url = apiUrl(base, `/calendars/${encodeURIComponent(calendar)}/events`, {
      ...position,
      beat: "1",
    });
    const headers = { Accept: "text/event-stream", ...bearer(token) };
    const response = await fetch(url, { headers, signal: controller.signal, cache: "no-store" });
    const isStream = response.ok && isOf(response, "text/event-stream") && isFrom(url, response);
    if (!isStream || response.body === null) throw await readProblem(response, url);
    const parser = new EventParser();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    // After a cursor the replay follows as ordinary changes, unless a `reset` comes.
    let isResuming = position.after !== undefined;
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      heard();
      const events = parser.feed(piece.value);
      const [comment, server_time] = parser.comment.split(" ");
      expectWithin(comment === HEARTBEAT ? HEARTBEAT_SILENCE_MS : SILENCE_MS);
      if (server_time !== undefined) clock.passed(server_time);
      for (const event of events) {
        const delivery = readEvent(event);
        if (delivery === undefined) continue;
        if (delivery.kind === "snapshot") {
          clock.observe(delivery.snapshot.server_time, sent, clock.local());
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
  if (event !== "snapshot" && event !== "message") return undefined;
  const said: unknown = JSON.parse(data);
  if (event === "message" && isChange(said)) return { kind: "change", change: said } as const;
  if (event === "message" || !fits(said, SNAPSHOT)) throw unreachable();
  return { kind: "snapshot", snapshot: said as unknown as Snapshot } as const;
}
