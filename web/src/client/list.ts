/** What calendars there are: one question, no connection. */

import { fetchJson } from "./http.ts";
import { apiUrl, bearer } from "./transports/link.ts";
import { CALENDARS } from "./shape.ts";
import type { CalendarInfo } from "./wire.ts";

/** The calendars that there are to see, without a connection. */
export async function listCalendars(
  url: string | URL,
  token?: string,
): Promise<readonly CalendarInfo[]> {
  const init = { headers: bearer(token) };
  const answer = await fetchJson(apiUrl(new URL(url), "/calendars"), init, CALENDARS);
  return answer.calendars as readonly CalendarInfo[];
}
