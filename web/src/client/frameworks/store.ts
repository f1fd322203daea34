/** A calendar as a store for user interfaces: a value that is the same object until it changes. */

import type { SlotcastClient } from "../index.ts";
import type { SlotcastError } from "../error.ts";
import type { Status } from "../transports/state.ts";
import type { CalendarInfo, Slot } from "../wire.ts";

export interface CalendarState {
  /** Sorted by time; the same array until something changes. */
  readonly slots: readonly Slot[];
  readonly info: CalendarInfo | undefined;
  /** Whether the first snapshot has come. */
  readonly isLoaded: boolean;
  /** The refusal of the calendar or of the connection. */
  readonly refusal: SlotcastError | undefined;
  readonly status: Status;
}

export interface CalendarStore {
  get(): CalendarState;
  /** Calls back after each change until the returned function is called. */
  subscribe(changed: () => void): () => void;
}

export function calendarStore(client: SlotcastClient, id: string): CalendarStore {
  const calendar = client.calendar(id);
  let state: CalendarState | undefined;
  return {
    get() {
      const { slots, info, isLoaded } = calendar;
      const { status } = client;
      const refusal = calendar.refusal ?? client.refusal;
      const isSame =
        state?.slots === slots &&
        state.info === info &&
        state.isLoaded === isLoaded &&
        state.refusal === refusal &&
        state.status === status;
      state = isSame && state ? state : { slots, info, isLoaded, refusal, status };
      return state;
    },
    subscribe(changed) {
      const stops = [calendar.subscribe(changed), client.onStatus(changed)];
      return () => {
        for (const stop of stops) stop();
      };
    },
  };
}
