/** Tells the visitor of holds and bookings that the server does not know or open any more: it was set
 * back to an earlier copy of its data, or has another secret. */

import type { Slot, SlotcastClient } from "../../client";
import type { Toasts } from "../../ui/feedback/toast";
import type { ZoneSetting } from "../board/zone_setting";
import type { BookingActions } from "./booking_actions";

/** The time after which a hold that is not in a snapshot counts as lost. */
const LOST_MS = 3_000;

export interface LostParts {
  readonly client: SlotcastClient;
  readonly actions: BookingActions;
  readonly setting: ZoneSetting;
  readonly toasts: Toasts;
  readonly changed: () => void;
}

export class LostEntries {
  readonly #parts: LostParts;
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();

  constructor(parts: LostParts) {
    this.#parts = parts;
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer);
  }

  /** Reads the own bookings again after a change of this type. */
  async refresh(type: string | undefined, slots: readonly Slot[]): Promise<void> {
    const { actions, setting, toasts } = this.#parts;
    const { mine } = setting.locale.texts;
    for (const booking of await actions.refresh(type, slots)) {
      const when = booking.start === "" ? mine.booking : setting.words(booking);
      toasts.say(booking.isShut ? mine.bookingShut(when) : mine.bookingLost(when), "bad");
    }
  }

  /** A new snapshot may come from an older copy. One of another server may be a moment behind, so a
   * hold is looked for twice. */
  lookForHolds(): void {
    const { client, actions, setting, toasts, changed } = this.#parts;
    const missing = new Set(actions.lostHolds().map(({ id }) => id));
    if (missing.size === 0) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      for (const hold of actions.lostHolds()) {
        if (!missing.has(hold.id) || client.status.state !== "live") continue;
        actions.dropHold(hold);
        toasts.say(setting.locale.texts.mine.holdLost(setting.words(hold)), "bad");
      }
      changed();
    }, LOST_MS);
    this.#timers.add(timer);
  }
}
