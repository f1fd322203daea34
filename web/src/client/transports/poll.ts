/** Long poll, the last rung: a snapshot, then one request after another by the cursor. */

import { SlotcastError } from "../error.ts";
import { fetchJson } from "../http.ts";
import { ANSWER_MS, apiUrl, bearer, type OpenLink } from "./link.ts";
import { type Follow, openOneWay } from "./one_way.ts";
import { ACT_MS } from "./liveness.ts";
import { POLL, SNAPSHOT } from "../shape.ts";
import type { Poll, Snapshot } from "../wire.ts";

/** Below 30 s, the limit of many proxies for a silent response. */
const HIDDEN_WAIT_SECONDS = 25;
/** The wait of a visible page: it notices a dead network within 8 s. */
const WAIT_SECONDS = 3;

const follow: Follow = async (calendar, position, setting, { signal }, deliver, heard) => {
  const { base, token, clock, isVisible } = setting;
  const path = `/calendars/${encodeURIComponent(calendar)}`;
  const init = { headers: bearer(token), signal };
  const snapshot = async (): Promise<string> => {
    const { from, to, at_least: after } = position;
    const sent = clock.local();
    const answer = await fetchJson(
      apiUrl(base, `${path}/slots`, { from, to, after }),
      init,
      SNAPSHOT,
    );
    const said = answer as unknown as Snapshot;
    heard();
    clock.observe(said.server_time, sent, clock.local());
    deliver(calendar, { kind: "snapshot", snapshot: said });
    return said.cursor;
  };
  let after = position.after ?? (await snapshot());
  // The first answer comes at once. It is the replay and proves that polling works.
  let isReplay = position.after !== undefined;
  let at_least = position.at_least;
  while (!signal.aborted) {
    const wait = isReplay ? 0 : isVisible() ? WAIT_SECONDS : HIDDEN_WAIT_SECONDS;
    const limit_ms = wait * 1_000 + (isReplay ? ANSWER_MS : ACT_MS);
    const url = apiUrl(base, `${path}/changes`, { after, at_least, wait: String(wait) });
    try {
      const sent = clock.local();
      const page = (await fetchJson(url, init, POLL, limit_ms)) as unknown as Poll;
      heard();
      // A full page may come from a cache, with the time at which it was written.
      if (!page.more) clock.observe(page.server_time, sent, clock.local());
      if (isReplay) {
        const { changes } = page;
        deliver(calendar, { kind: "resumed", resumption: { changes } });
      } else {
        for (const change of page.changes) deliver(calendar, { kind: "change", change });
      }
      after = page.cursor;
    } catch (error) {
      if (!(error instanceof SlotcastError && error.code === "cursor_gone")) throw error;
      after = await snapshot();
    }
    isReplay = false;
    at_least = undefined;
  }
  return "transport_lost";
};

export const openPoll: OpenLink = (_transport, setting, events) =>
  openOneWay("longpoll", setting, events, follow);
