/** Long poll, the last rung: a snapshot, then one request after another by the cursor. */

import { SlotcastError } from "./error.ts";
import { fetchJson } from "./http.ts";
import {
  ANSWER_MS,
  apiUrl,
  bearer,
  type Link,
  type LinkEvents,
  type LinkSetting,
  type Position,
} from "./link.ts";
import type { Reason } from "./state.ts";
import { probe } from "./stream.ts";
import type { Change, Snapshot } from "./wire.ts";

/** Under the 30 s after which many proxies give up on a silent response. */
const WAIT_SECONDS = 25;

interface Page {
  readonly changes: readonly Change[];
  readonly cursor: string;
  readonly more: boolean;
  readonly server_time: string;
}

export async function openPoll(setting: LinkSetting, events: LinkEvents): Promise<Link> {
  await probe(setting);
  const loops = new Map<string, AbortController>();
  let isClosed = false;
  const close = () => {
    for (const controller of loops.values()) controller.abort();
    loops.clear();
  };
  const lose = (reason: Reason) => {
    if (isClosed) return;
    isClosed = true;
    close();
    events.lost(reason);
  };
  return {
    transport: "longpoll",
    watch(calendar, position) {
      loops.get(calendar)?.abort();
      const controller = new AbortController();
      loops.set(calendar, controller);
      const isCurrent = () => loops.get(calendar) === controller;
      const deliver: LinkEvents["delivered"] = (id, delivery) => {
        if (isCurrent()) events.delivered(id, delivery);
      };
      follow(calendar, position, setting, controller.signal, deliver).catch((error: unknown) => {
        if (!isCurrent()) return;
        if (error instanceof SlotcastError && !error.retryable) {
          deliver(calendar, { kind: "refused", error });
        } else {
          lose("transport_lost");
        }
      });
    },
    unwatch(calendar) {
      loops.get(calendar)?.abort();
      loops.delete(calendar);
    },
    close() {
      isClosed = true;
      close();
    },
  };
}

/** Polls until the signal aborts; rejects when a request fails. */
async function follow(
  calendar: string,
  position: Position,
  { base, token, clock }: LinkSetting,
  signal: AbortSignal,
  deliver: LinkEvents["delivered"],
): Promise<void> {
  const path = `/calendars/${encodeURIComponent(calendar)}`;
  const init = { headers: bearer(token), signal };
  const snapshot = async (): Promise<string> => {
    const { from, to } = position;
    const sent = Date.now();
    const answer = await fetchJson(apiUrl(base, `${path}/slots`, { from, to }), init);
    const said = answer as unknown as Snapshot;
    clock.observe(said.server_time, sent, Date.now());
    deliver(calendar, { kind: "snapshot", snapshot: said });
    return said.cursor;
  };
  let after = position.after ?? (await snapshot());
  // The first answer comes at once: it is the replay, and it shows that polling works.
  let wait = position.after === undefined ? WAIT_SECONDS : 0;
  while (!signal.aborted) {
    const url = apiUrl(base, `${path}/changes`, { after, wait: String(wait) });
    try {
      const page = (await fetchJson(url, init, wait * 1_000 + ANSWER_MS)) as unknown as Page;
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
  }
}
