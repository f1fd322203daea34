/** Long poll, the last rung: a snapshot, then one request after another by the cursor. */

import { SlotcastError } from "./error.ts";
import { fetchJson } from "./http.ts";
import { ANSWER_MS, apiUrl, bearer, type OpenLink } from "./link.ts";
import { type Follow, openOneWay } from "./one_way.ts";
import type { Poll, Snapshot } from "./wire.ts";

/** Under the 30 s after which many proxies give up on a silent response. */
const WAIT_SECONDS = 25;

const follow: Follow = async (calendar, position, { base, token, clock }, { signal }, deliver) => {
  const path = `/calendars/${encodeURIComponent(calendar)}`;
  const init = { headers: bearer(token), signal };
  const snapshot = async (): Promise<string> => {
    const { from, to, at_least: after } = position;
    const sent = Date.now();
    const answer = await fetchJson(apiUrl(base, `${path}/slots`, { from, to, after }), init);
    const said = answer as unknown as Snapshot;
    clock.observe(said.server_time, sent, Date.now());
    deliver(calendar, { kind: "snapshot", snapshot: said });
    return said.cursor;
  };
  let after = position.after ?? (await snapshot());
  // The first answer comes at once: it is the replay, and it shows that polling works.
  let wait = position.after === undefined ? WAIT_SECONDS : 0;
  let at_least = position.at_least;
  while (!signal.aborted) {
    const url = apiUrl(base, `${path}/changes`, { after, at_least, wait: String(wait) });
    try {
      const page = (await fetchJson(url, init, wait * 1_000 + ANSWER_MS)) as unknown as Poll;
      if (wait === 0) {
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
    wait = WAIT_SECONDS;
    at_least = undefined;
  }
  return "transport_lost";
};

export const openPoll: OpenLink = (_transport, setting, events) =>
  openOneWay("longpoll", setting, events, follow);
