/** Short requests of one tab: its own snapshot, and what it missed before the lead tab's cursor. */

import { fetchJson } from "../http.ts";
import { POLL, SNAPSHOT } from "../shape.ts";
import { apiUrl, bearer, type LinkSetting, type Position } from "../transports/link.ts";
import type { Change, Poll, Snapshot } from "../wire.ts";

export async function readSnapshot(
  calendar: string,
  { from, to, at_least: after }: Position,
  { base, token, clock }: LinkSetting,
  signal: AbortSignal,
): Promise<Snapshot> {
  const sent = clock.local();
  const url = apiUrl(base, `/calendars/${encodeURIComponent(calendar)}/slots`, { from, to, after });
  const snapshot = (await fetchJson(
    url,
    { headers: bearer(token), signal },
    SNAPSHOT,
  )) as unknown as Snapshot;
  clock.observe(snapshot.server_time, sent, clock.local());
  return snapshot;
}

/** Returns the changes after `position.after`, up to `position.at_least` and maybe beyond. */
export async function readMissed(
  calendar: string,
  position: { readonly after: string; readonly at_least: string },
  { base, token, clock }: LinkSetting,
  signal: AbortSignal,
): Promise<readonly Change[]> {
  const changes: Change[] = [];
  let { after } = position;
  for (let more = true; more;) {
    const sent = clock.local();
    const query = { after, at_least: position.at_least, wait: "0" };
    const url = apiUrl(base, `/calendars/${encodeURIComponent(calendar)}/changes`, query);
    const page = (await fetchJson(
      url,
      { headers: bearer(token), signal },
      POLL,
    )) as unknown as Poll;
    clock.observe(page.server_time, sent, clock.local());
    changes.push(...page.changes);
    more = page.more && page.changes.length > 0;
    after = page.cursor;
  }
  return changes;
}
