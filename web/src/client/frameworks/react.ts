/** React: `const { slots, info, status } = useCalendar(client, "demo")`. */

import { useMemo, useSyncExternalStore } from "react";
import type { SlotcastClient } from "../index.ts";
import { type CalendarState, calendarStore } from "./store.ts";

export type { CalendarState } from "./store.ts";

/** Returns the calendar as it is now, and draws the component again after each change. It stays
 * subscribed until `client.leave(id)`, so that components come and go without a new snapshot. */
export function useCalendar(client: SlotcastClient, id: string): CalendarState {
  const store = useMemo(() => calendarStore(client, id), [client, id]);
  return useSyncExternalStore(store.subscribe, store.get, store.get);
}
