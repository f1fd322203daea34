/** The slots of the board, by day. A change of a slot at the same time costs only its own day. */

import type { Slot } from "../../client";
import { dayKey } from "../../ui/time";

export type DayGroups = ReadonlyMap<string, readonly Slot[]>;

export interface Grouped {
  readonly groups: DayGroups;
  readonly replaced: DayGroups | undefined;
}

export class DayGrouping {
  readonly #keys = new Map<string, string>();
  #groups = new Map<string, readonly Slot[]>();
  #slots: readonly Slot[] = [];
  #zone = "";
  /** The time at which the first of the slots ends and leaves. */
  #next_end = 0;

  /** Groups the slots that have not ended. A day without a change is the same array as before. If the
   * slots and their times are those of the last call, `replaced` has the slots that differ, by day. */
  group(slots: readonly Slot[], zone: string, now: number): Grouped {
    const isSame = zone === this.#zone && now < this.#next_end && this.#hasSameTimes(slots);
    const replaced = isSame ? this.#replace(slots) : undefined;
    if (!isSame) this.#regroup(slots, zone, now);
    this.#slots = slots;
    return { groups: this.#groups, replaced };
  }

  #hasSameTimes(slots: readonly Slot[]): boolean {
    return (
      slots.length === this.#slots.length &&
      slots.every((slot, place) => {
        const old = this.#slots[place] as Slot;
        return (
          slot === old || (slot.id === old.id && slot.start === old.start && slot.end === old.end)
        );
      })
    );
  }

  #replace(slots: readonly Slot[]): DayGroups {
    const replaced = new Map<string, Slot[]>();
    for (let place = 0; place < slots.length; place += 1) {
      const slot = slots[place] as Slot;
      if (slot === this.#slots[place]) continue;
      const key = this.#dayOf(slot.start);
      const day = replaced.get(key);
      if (day === undefined) replaced.set(key, [slot]);
      else day.push(slot);
    }
    for (const [key, changed] of replaced) {
      const by_id = new Map(changed.map((slot) => [slot.id, slot]));
      const day = this.#groups.get(key);
      if (day !== undefined)
        this.#groups.set(
          key,
          day.map((one) => by_id.get(one.id) ?? one),
        );
    }
    return replaced;
  }

  #regroup(slots: readonly Slot[], zone: string, now: number): void {
    if (zone !== this.#zone) this.#keys.clear();
    this.#zone = zone;
    this.#next_end = Infinity;
    const groups = new Map<string, Slot[]>();
    for (const slot of slots) {
      const end = Date.parse(slot.end);
      if (end <= now) continue;
      this.#next_end = Math.min(this.#next_end, end);
      const key = this.#dayOf(slot.start);
      const day = groups.get(key);
      if (day === undefined) groups.set(key, [slot]);
      else day.push(slot);
    }
    this.#groups = groups;
  }

  #dayOf(start: string): string {
    let key = this.#keys.get(start);
    if (key === undefined) {
      key = dayKey(Date.parse(start), this.#zone);
      this.#keys.set(start, key);
    }
    return key;
  }
}
