/** The texts of notices: an empty board, a stale board, a late outcome. Pure. */

import type { Calendar, CalendarInfo, SlotcastError, State } from "../../client";
import type { Catalog } from "../../language/english";
import { adviceFor } from "../../ui/feedback/advice";
import type { Settled } from "../own/booking_actions";

export interface Notice {
  readonly title: string;
  readonly text: string;
}

export function emptyNotice(
  calendar: Pick<Calendar, "isLoaded" | "slots">,
  refusal: SlotcastError | undefined,
  days: number,
  isFreeOnly: boolean,
  catalog: Catalog,
): Notice | undefined {
  const { notice } = catalog;
  if (refusal?.code === "not_found") {
    return { title: notice.noCalendar, text: notice.noCalendarText };
  }
  if (refusal !== undefined) {
    const advice = adviceFor(refusal, catalog);
    const isPrivate = refusal.code === "unauthorized" || refusal.code === "forbidden";
    return isPrivate
      ? { title: notice.private, text: notice.privateText(advice) }
      : { title: catalog.page.notNow, text: advice };
  }
  if (!calendar.isLoaded || days > 0) return undefined;
  return isFreeOnly && calendar.slots.length > 0
    ? { title: notice.nothingFree, text: notice.nothingFreeText }
    : { title: notice.noTimes, text: notice.noTimesText };
}

/** Returns the notice for a page whose origin the server does not list. */
export function originNotice(home: string, origin: string, { notice }: Catalog): Notice {
  const server = new URL(home).host;
  const mend = origin === "null" ? notice.originNull : notice.originMend(server, origin);
  return { title: notice.origin(server), text: mend };
}

/** Shorter breaks need no banner. The pill shows them. */
export const PATIENCE_MS = 2_000;
const FIRST_PATIENCE_MS = 6_000;

export function staleNotice(
  state: State,
  isLoaded: boolean,
  away_ms: number,
  info: CalendarInfo | undefined,
  hasToken: boolean,
  { notice }: Catalog,
): string {
  if (state === "offline") {
    return notice.offline;
  }
  if (!isLoaded) {
    return state !== "live" && away_ms > FIRST_PATIENCE_MS ? notice.unreachable : "";
  }
  if (state === "reconnecting" && away_ms > PATIENCE_MS) {
    return notice.broken;
  }
  if (info?.archived) return notice.archived;
  return info?.booking === "token" && !hasToken ? notice.needsLink : "";
}

/** Returns the text for a late outcome; none for a request that the visitor has given up. */
export function settledNotice(
  { pending, outcome, error }: Settled,
  when: string,
  catalog: Catalog,
): { readonly text: string; readonly tone: "calm" | "good" | "bad" } | undefined {
  const { hold, booking } = outcome ?? {};
  const { notice } = catalog;
  if (pending.isUnwanted && booking === undefined) return undefined;
  if (error !== undefined) {
    return { text: notice.settled(when, adviceFor(error, catalog)), tone: "bad" };
  }
  if (hold !== undefined) return { text: notice.held(when), tone: "good" };
  if (booking === undefined) return undefined;
  return { text: notice.settled(when, notice[booking.status]), tone: "calm" };
}
