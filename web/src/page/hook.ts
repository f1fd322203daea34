/** `window.slotcast`: a read-only view of the applied state, for tests and the curious. */

import type { Calendar } from "../client";

const MOST_APPLIED = 10_000;

function lookAt(calendar: Calendar) {
  const applied: number[] = [];
  const snapshots: number[] = [];
  const keep = (list: number[], seq: number) => {
    list.push(seq);
    if (list.length > MOST_APPLIED) list.shift();
  };
  calendar.subscribe((event) => {
    if (event.kind === "change") keep(applied, event.change.seq);
    else if (event.kind === "snapshot") keep(snapshots, calendar.seq);
  });
  return Object.freeze({
    get id() {
      return calendar.id;
    },
    get slots() {
      return calendar.slots;
    },
    get bookings() {
      return calendar.bookings;
    },
    get seq() {
      return calendar.seq;
    },
    get cursor() {
      return calendar.cursor;
    },
    /** The window of the slots, to compare with a snapshot of the same window. */
    get covered() {
      return calendar.covered;
    },
    /** The seqs of the changes applied, in order. */
    get applied() {
      return [...applied];
    },
    /** The seqs of the snapshots that replaced everything, in order. */
    get snapshots() {
      return [...snapshots];
    },
  });
}

/** Sets the hook on a page with a choice of calendars. Returns the function to call on each choice.
 */
export function exposeChosen(): (calendar: Calendar) => void {
  let look: ReturnType<typeof lookAt> | undefined;
  const hook = Object.freeze({
    get calendar() {
      return look;
    },
  });
  Object.defineProperty(window, "slotcast", { value: hook });
  return (calendar) => {
    look = lookAt(calendar);
  };
}
