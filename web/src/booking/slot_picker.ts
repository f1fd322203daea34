/** A click on a slot: it becomes the visitor's hold, and the form opens for it; or a booking moves
 * there. */

import type { Calendar, Slot } from "../client";
import type { ZoneSetting } from "./board/zone_setting";
import type { PageAddress } from "./day_goal";
import type { LazyForm } from "./form/lazy_form";
import type { Mover } from "./mover";
import type { BookingActions } from "./own/booking_actions";
import type { OwnBookings } from "./own/own_bookings";
import type { MyHold, OwnStore, PendingRequest } from "./own/own_store";

export interface PickerParts {
  readonly calendar: Calendar;
  readonly mine: OwnStore;
  readonly actions: BookingActions;
  readonly own: OwnBookings;
  readonly mover: Mover;
  readonly form: LazyForm;
  readonly setting: ZoneSetting;
  readonly address: PageAddress | undefined;
  changed(): void;
  /** Shows the visitor's own bookings. */
  showOwn(): void;
}

export class SlotPicker {
  readonly #parts: PickerParts;
  readonly #asked = new Set<string>();

  constructor(parts: PickerParts) {
    this.#parts = parts;
  }

  /** The slots of hold requests without an answer. */
  get pending(): ReadonlySet<string> {
    const isOpen = ({ what, isUnwanted }: PendingRequest) => what === "hold" && !isUnwanted;
    const open = this.#parts.mine.pendingRequests.filter(isOpen);
    return new Set([...this.#asked, ...open.map(({ slot }) => slot)]);
  }

  async pick(slot: Slot, button: HTMLButtonElement): Promise<void> {
    const { mine, mover, own, actions, changed, showOwn } = this.#parts;
    const hold = mine.holds.find((one) => one.slot === slot.id);
    if (mover.booking !== undefined) {
      const isFree = button.dataset.free !== undefined || hold !== undefined;
      const { booking } = mover;
      return isFree ? own.step((steps) => steps.finishMove(booking, slot)) : undefined;
    }
    if (hold !== undefined) return this.open(hold);
    if (button.getAttribute("aria-disabled") === "true" || this.#asked.has(slot.id)) return;
    if (mine.markOf(slot.id) !== undefined) return showOwn();
    this.#asked.add(slot.id);
    changed();
    const held = await own.attempt(() => actions.hold(slot));
    this.#asked.delete(slot.id);
    changed();
    if (held !== undefined) await this.open(held);
  }

  /** Opens the form for a hold. */
  async open(hold: MyHold): Promise<void> {
    const { own, form, calendar, setting, address } = this.#parts;
    await own.attempt(async () => {
      const opened = await form.load();
      const { current } = setting;
      address?.write(setting.dayOf(hold), hold.slot);
      opened.open(hold, calendar.slot(hold.slot), calendar.info?.policy, current);
    });
  }
}
