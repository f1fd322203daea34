/** `window.slotcast`: a read-only look at what this page has applied, for tests and the curious. */

import type { Calendar } from "../client";

const MOST_APPLIED = 10_000;

export function expose(calendar: Calendar): void {
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
  const look = Object.freeze({
    get slots() {
      return calendar.slots;
    },
    get seq() {
      return calendar.seq;
    },
    get cursor() {
      return calendar.cursor;
    },
    /** What the slots cover: ask a snapshot of the same window to compare with. */
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
  Object.defineProperty(window, "slotcast", { value: Object.freeze({ calendar: look }) });
}
