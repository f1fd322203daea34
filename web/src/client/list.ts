/** Lists the calendars by one request, without a connection. */

import { fetchJson } from "./http.ts";
import { apiUrl, bearer } from "./transports/link.ts";
import { CALENDARS } from "./shape.ts";
import type { CalendarInfo } from "./wire.ts";

export interface ListOptions {
  /** Also archived calendars. */
  readonly archived?: boolean;
}

/** Fetches the calendars visible to the token, or the public ones. */
export async function listCalendars(
  url: string | URL,
  token?: string,
  options: ListOptions = {},
): Promise<readonly CalendarInfo[]> {
  const init = { headers: bearer(token) };
  const query = options.archived ? { archived: "1" } : {};
  const answer = await fetchJson(apiUrl(new URL(url), "/calendars", query), init, CALENDARS);
  return answer.calendars as readonly CalendarInfo[];
}
