/** The buttons of a slot and of a booking, with a menu for the rarer ones. */

import { button } from "../../ui/button";
import { menuButton, type MenuItem } from "../../ui/menu";
import type { Slot, StaffBooking, StaffCalendar } from "../../client";
import { blockable } from "../blocks/block_form";
import type { BookingVerb } from "./booking_steps";
import type { SlotVerb } from "./slot_steps";
import { texts } from "../texts";

export interface AgendaActions {
  onSlot(verb: SlotVerb, slot: Slot): void;
  onBooking(verb: BookingVerb, booking: StaffBooking): void;
}

/** The slot of a booking. `isOver` stands for a removed slot or an archived calendar: nothing takes seats there. */
export interface Place {
  readonly isPast: boolean;
  readonly isRemoved: boolean;
  readonly isOver: boolean;
}

/** Returns the place of a booking in its calendar now. */
export function bookingPlace(calendar: StaffCalendar, booking: StaffBooking, now: number): Place {
  const slot = calendar.slot(booking.slot);
  const isRemoved = slot === undefined;
  const isOver = isRemoved || (calendar.info?.archived ?? false);
  return { isPast: Date.parse(slot?.start ?? booking.start ?? "") <= now, isRemoved, isOver };
}

export const isStanding = ({ status }: StaffBooking): boolean =>
  status === "pending" || status === "confirmed";

export function slotButtons(slot: Slot, { onSlot }: AgendaActions): readonly HTMLElement[] {
  return [
    button(texts.agenda.book, () => onSlot("book", slot), { kind: "small" }),
    menuButton("⋯", texts.agenda.moreSlot, () => slotMenu(slot, { onSlot })),
  ];
}

export function slotMenu(
  slot: Slot,
  { onSlot }: Pick<AgendaActions, "onSlot">,
): readonly MenuItem[] {
  const isTaken = slot.remaining < slot.capacity;
  const item = (text: string, verb: SlotVerb, isGrave = false): MenuItem => ({
    ...{ text, isGrave },
    onclick: () => onSlot(verb, slot),
  });
  return [
    slot.status === "closed"
      ? item(texts.agenda.reopen, "reopen")
      : item(texts.agenda.close, "close"),
    item(texts.agenda.change, "change"),
    ...slotReadMenu(slot, { onSlot }),
    ...(isTaken ? [] : [item(texts.agenda.remove, "remove", true)]),
  ];
}

/** Returns the actions on a slot that change nothing. */
export const slotReadMenu = (
  slot: Slot,
  { onSlot }: Pick<AgendaActions, "onSlot">,
): readonly MenuItem[] => [
  { text: texts.agenda.canBeBooked, onclick: () => onSlot("explain", slot) },
  { text: texts.agenda.history, onclick: () => onSlot("history", slot) },
];

/** Returns the actions on a booking that change nothing. */
export const bookingReadMenu = (
  booking: StaffBooking,
  { onBooking }: Pick<AgendaActions, "onBooking">,
): readonly MenuItem[] => [
  { text: texts.agenda.copyLink, onclick: () => onBooking("link", booking) },
  { text: texts.agenda.bookingHistory, onclick: () => onBooking("history", booking) },
];

export function bookingButtons(
  booking: StaffBooking,
  place: Place,
  actions: AgendaActions,
): readonly HTMLElement[] {
  const { status } = booking;
  const make = (text: string, verb: BookingVerb, kind: string, label?: string) =>
    button(text, () => actions.onBooking(verb, booking), { kind, ...(label && { label }) });
  const hasEnded = status === "cancelled" || status === "rejected";
  return [
    ...(status === "pending"
      ? [
          make(texts.agenda.confirm, "confirm", "small primary"),
          make(texts.agenda.reject, "reject", "small"),
        ]
      : []),
    ...(status === "confirmed" && place.isPast
      ? [make(texts.agenda.noShow, "noShow", "small quiet")]
      : []),
    ...(status === "no_show" && !place.isRemoved
      ? [make(texts.agenda.undo, "reinstate", "small", texts.agenda.undoNoShow)]
      : []),
    ...(hasEnded && !place.isOver
      ? [make(texts.agenda.reinstate, "reinstate", "small quiet")]
      : []),
    menuButton("⋯", texts.agenda.moreBooking, () => bookingMenu(booking, place, actions)),
  ];
}

/** Returns the rarer actions of a booking; with `isWhole` all of them. */
export function bookingMenu(
  booking: StaffBooking,
  { isPast, isRemoved, isOver }: Place,
  { onBooking }: Pick<AgendaActions, "onBooking">,
  isWhole = false,
): readonly MenuItem[] {
  const isKnown = booking.customer !== null;
  const item = (text: string, verb: BookingVerb, isGrave = false): MenuItem => ({
    ...{ text, isGrave },
    onclick: () => onBooking(verb, booking),
  });
  const canChange = isStanding(booking) && !isOver;
  const { status } = booking;
  const hasEnded = status === "cancelled" || status === "rejected";
  const first = [
    ...(status === "pending"
      ? [item(texts.agenda.confirm, "confirm"), item(texts.agenda.reject, "reject")]
      : []),
    ...(status === "confirmed" && isPast ? [item(texts.agenda.noShow, "noShow")] : []),
    ...(status === "no_show" && !isRemoved ? [item(texts.agenda.theyCame, "reinstate")] : []),
    ...(hasEnded && !isOver ? [item(texts.agenda.reinstate, "reinstate")] : []),
  ];
  return [
    ...(isWhole ? first : []),
    ...(canChange && isKnown ? [item(texts.agenda.correct, "correct")] : []),
    ...(canChange ? [item(texts.agenda.move, "move")] : []),
    ...bookingReadMenu(booking, { onBooking }),
    ...(isStanding(booking) && !isPast ? [item(texts.agenda.cancel, "cancel", true)] : []),
    ...(Object.keys(blockable(booking)).length > 0
      ? [item(texts.agenda.block, "block", true)]
      : []),
    ...(isKnown ? [item(texts.agenda.erase, "erase", true)] : []),
  ];
}
