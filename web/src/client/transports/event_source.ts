/** Reads one response of server-sent events to its end.
 *
 * It uses fetch instead of EventSource: fetch sends `Authorization`, shows the status of a
 * refusal, and shows the heartbeat comments. Without them a buffering proxy stays unnoticed. */

import { isFrom, isOf, readProblem } from "../http.ts";
import { bearer, type LinkSetting } from "./link.ts";
import { EventParser, type ServerSentEvent } from "./sse.ts";
import type { Reason } from "./state.ts";

/** The first bytes are a snapshot, a replay or a heartbeat. They come at once, unless a proxy
 * buffers them. */
const FIRST_BYTE_MS = 6_000;
/** Comments come every 15 s; two may be lost. */
const SILENCE_MS = 40_000;
/** With promised `beat` comments one comes every 3 s; two may be lost. */
const HEARTBEAT = "beat";
const HEARTBEAT_SILENCE_MS = 7_000;

/** Resolves with the reason of the end. Rejects when refused. `take` gets the events of each piece of
 * text, and the `id` that holds after it. */
export async function readEvents(
  url: URL,
  { token, clock }: LinkSetting,
  controller: AbortController,
  take: (events: readonly ServerSentEvent[], id: string) => void,
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
    const headers = { Accept: "text/event-stream", ...bearer(token) };
    const response = await fetch(url, { headers, signal: controller.signal, cache: "no-store" });
    const isStream = response.ok && isOf(response, "text/event-stream") && isFrom(url, response);
    if (!isStream || response.body === null) throw await readProblem(response, url);
    const parser = new EventParser();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
      const events = parser.feed(piece.value);
      const [comment, server_time] = parser.comment.split(" ");
      expectWithin(comment === HEARTBEAT ? HEARTBEAT_SILENCE_MS : SILENCE_MS);
      if (server_time !== undefined) clock.passed(server_time);
      take(events, parser.id);
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
