/** The last step of the data flow: the client's copy of one calendar.
 *
 * `seq <= have`: drop, it was applied before. `prev <= have`: apply it whole. `prev > have`:
 * something is missing; nothing is applied, and the caller subscribes again by the cursor.
 * A snapshot replaces everything, also where its `seq` is lower (the database was put back).
 * Delivery may repeat; each change is applied exactly once, on every transport. */

import type { CalendarInfo, Change, Slot, Snapshot } from "../wire.ts";

export type Verdict = "applied" | "dropped" | "gap";

const NOTHING = -1;

export class Replica {
  readonly #slots = new Map<string, Slot>();
  #sorted: readonly Slot[] | undefined;
  #have = NOTHING;
  #cursor: string | undefined;
  #info: CalendarInfo | undefined;
  #from = "";
  #to = "";

  get isEmpty(): boolean {
    return this.#have === NOTHING;
  }

  /** The `seq` of the last applied change; -1 before the first snapshot. */
  get seq(): number {
    return this.#have;
  }

  get cursor(): string | undefined {
    return this.#cursor;
  }

  get info(): CalendarInfo | undefined {
    return this.#info;
  }

  /** The window of the snapshot, half-open. */
  get window(): { readonly from: string; readonly to: string } {
    return { from: this.#from, to: this.#to };
  }

  /** By start, then end, then id: the same array until something changes. */
  get slots(): readonly Slot[] {
    this.#sorted ??= [...this.#slots.values()].sort(bySchedule);
    return this.#sorted;
  }

  slot(id: string): Slot | undefined {
    return this.#slots.get(id);
  }

  applySnapshot(snapshot: Snapshot): void {
    this.#slots.clear();
    this.#sorted = undefined;
    this.#from = snapshot.from;
    this.#to = snapshot.to;
    this.#info = snapshot.info;
    for (const slot of snapshot.slots) this.#slots.set(slot.id, slot);
    this.#have = snapshot.seq;
    this.#cursor = snapshot.cursor;
  }

  apply(change: Change): Verdict {
    if (this.isEmpty || change.prev > this.#have) return "gap";
    if (change.seq <= this.#have) return "dropped";
    for (const slot of change.slots) {
      if (this.#covers(slot)) this.#slots.set(slot.id, slot);
      else this.#slots.delete(slot.id);
    }
    for (const id of change.removed) this.#slots.delete(id);
    if (change.slots.length > 0 || change.removed.length > 0) this.#sorted = undefined;
    if (change.info) this.#info = change.info;
    this.#have = change.seq;
    this.#cursor = change.cursor;
    return "applied";
  }

  #covers(slot: Slot): boolean {
    return isBefore(slot.start, this.#to) && isBefore(this.#from, slot.end);
  }
}

/** Compared as instants: `…00Z` and `…00.000Z` are the same time but not the same text. */
const isBefore = (a: string, b: string): boolean => Date.parse(a) < Date.parse(b);

function bySchedule(a: Slot, b: Slot): number {
  return (
    Date.parse(a.start) - Date.parse(b.start) ||
    Date.parse(a.end) - Date.parse(b.end) ||
    (a.id < b.id ? -1 : 1)
  );
}
