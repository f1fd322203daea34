/** Vue: `const calendar = useCalendar(client, "demo")`, and `calendar.value.slots` in the template. */

import { onScopeDispose, shallowRef, type ShallowRef } from "vue";
import type { SlotcastClient } from "../index.ts";
import { type CalendarState, calendarStore } from "./store.ts";

export type { CalendarState } from "./store.ts";

/** Returns the calendar as a ref, updated until the component or its scope ends. */
export function useCalendar(
  client: SlotcastClient,
  id: string,
): Readonly<ShallowRef<CalendarState>> {
  const store = calendarStore(client, id);
  const state = shallowRef(store.get());
  onScopeDispose(
    store.subscribe(() => {
      state.value = store.get();
    }),
  );
  return state;
}
