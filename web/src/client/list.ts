/** Lists the calendars by one request, without a connection. */

import { fetchJson } from "./http.ts";
import { apiUrl, bearer } from "./transports/link.ts";
import { CALENDARS } from "./shape.ts";
import type { CalendarInfo } from "./wire.ts";

/** Fetches the calendars visible to the token, or the public ones. */
export async function listCalendars(
  url: string | URL,
  token?: string,
): Promise<readonly CalendarInfo[]> {
  const init = { headers: bearer(token) };
  const answer = await fetchJson(apiUrl(new URL(url), "/calendars"), init, CALENDARS);
  return answer.calendars as readonly CalendarInfo[];
}
