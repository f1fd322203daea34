/** The last step of the data flow: the client's copy of one calendar.
 *
 * `seq <= have`: drop, it was applied before. `prev <= have`: apply it whole. `prev > have`:
 * something is missing; nothing is applied, and the caller subscribes again by the cursor.
 * A snapshot replaces everything, also where its `seq` is lower (the database was put back).
 * Delivery may repeat; each change is applied exactly once, on every transport. */

import type { CalendarInfo, Change, Offset, Slot, Snapshot } from "../wire.ts";

export type Verdict = "applied" | "dropped" | "gap";

const NOTHING = -1;
/** More changes between two reads of the slots cost more than sorting them. */
const MOST_REPLACED = 200;

export class Replica {
  readonly #slots = new Map<string, Slot>();
  #sorted: readonly Slot[] | undefined;
  /** The slots that take the place of older ones in `#sorted`, at the same times. */
  #replaced: Slot[] = [];
  #have = NOTHING;
  #cursor: string | undefined;
  #info: CalendarInfo | undefined;
  #from = "";
  #to = "";
  #offsets: readonly Offset[] = [];

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

  /** The offsets of the calendar's zone in the window; none from an older server. */
  get offsets(): readonly Offset[] {
    return this.#offsets;
  }

  /** By start, then end, then id: the same array until something changes. */
  get slots(): readonly Slot[] {
    if (this.#sorted === undefined || this.#replaced.length > MOST_REPLACED)
      this.#sorted = [...this.#slots.values()].sort(bySchedule);
    else if (this.#replaced.length > 0) {
      const sorted = [...this.#sorted];
      for (const slot of this.#replaced) sorted[placeOf(slot, sorted)] = slot;
      this.#sorted = sorted;
    }
    this.#replaced = [];
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
    this.#offsets = snapshot.offsets ?? [];
    for (const slot of snapshot.slots) this.#slots.set(slot.id, slot);
    this.#have = snapshot.seq;
    this.#cursor = snapshot.cursor;
  }

  apply(change: Change): Verdict {
    if (this.isEmpty || change.prev > this.#have) return "gap";
    if (change.seq <= this.#have) return "dropped";
    for (const slot of change.slots) this.#put(slot);
    for (const id of change.removed) this.#slots.delete(id);
    if (change.removed.length > 0) this.#sorted = undefined;
    if (change.info) {
      if (change.info.zone !== this.#info?.zone) this.#offsets = [];
      this.#info = change.info;
    }
    this.#have = change.seq;
    this.#cursor = change.cursor;
    return "applied";
  }

  #put(slot: Slot): void {
    const old = this.#slots.get(slot.id);
    const isCovered = this.#covers(slot);
    if (isCovered) this.#slots.set(slot.id, slot);
    else this.#slots.delete(slot.id);
    const isInPlace = isCovered && old?.start === slot.start && old.end === slot.end;
    if (!isInPlace) this.#sorted = undefined;
    else if (this.#replaced.length <= MOST_REPLACED) this.#replaced.push(slot);
  }

  #covers(slot: Slot): boolean {
    return isBefore(slot.start, this.#to) && isBefore(this.#from, slot.end);
  }
}

/** Compared as instants: `…00Z` and `…00.000Z` are the same time but not the same text. */
const isBefore = (a: string, b: string): boolean => Date.parse(a) < Date.parse(b);

/** Returns the place of the slot with this id and these times. */
function placeOf(slot: Slot, sorted: readonly Slot[]): number {
  let [low, high] = [0, sorted.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (bySchedule(sorted[middle] as Slot, slot) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

function bySchedule(a: Slot, b: Slot): number {
  return (
    Date.parse(a.start) - Date.parse(b.start) ||
    Date.parse(a.end) - Date.parse(b.end) ||
    (a.id < b.id ? -1 : Number(a.id > b.id))
  );
}
