/** The agenda: each slot of a day with its bookings, and their actions. */

import { answersOf } from "./booking_answers";
import type { Slot, StaffBooking, StaffCalendar } from "../../client";
import {
  type AgendaActions,
  bookingButtons,
  isStanding,
  type Place,
  slotButtons,
} from "./agenda_buttons";
import type { AgendaSlot } from "./removed_slots";
import { flash, h, setData, setText } from "../../ui/dom";
import { dayKey, dayTitle, type Locale, nearness, timeText } from "../../ui/time";
import { texts } from "../texts";

/** The rows that one frame makes: the first screen shows at once, also of two thousand slots. */
const MOST_NEW_ROWS = 150;

export interface AgendaSetting {
  readonly zone: string;
  readonly locale: Locale;
  readonly now: number;
  readonly isBookedOnly: boolean;
  /** Also cancelled and rejected bookings. Their customers stay known until erased. */
  readonly isWithCancelled: boolean;
}

interface Row {
  readonly element: HTMLLIElement;
  drawn: string;
}

export class Agenda {
  readonly element = h("div", { class: "agenda" });
  readonly #actions: AgendaActions;
  readonly #rows = new Map<string, Row>();
  readonly #days = new Map<string, HTMLElement>();

  constructor(actions: AgendaActions) {
    this.#actions = actions;
  }

  /** Draws the slots. Returns whether each has its row: of many new ones the next draw makes more. */
  draw(calendar: StaffCalendar, slots: readonly AgendaSlot[], setting: AgendaSetting): boolean {
    const { zone, locale, now } = setting;
    const shown = setting.isWithCancelled ? calendar.bookings : calendar.bookings.filter(isShown);
    const bookings = groupBySlot(shown);
    const seen = new Set<string>();
    const days = new Set<string>();
    const today = dayKey(now, zone);
    const places = new Map<string, Element | null>();
    let room = MOST_NEW_ROWS;
    for (const slot of slots) {
      const own = bookings.get(slot.id) ?? [];
      if ((setting.isBookedOnly || slot.isRemoved) && own.length === 0) continue;
      if (!this.#rows.has(slot.id)) room -= 1;
      if (room < 0 && !this.#rows.has(slot.id)) continue;
      const key = dayKey(Date.parse(slot.start), zone);
      const list = this.#day(key, days, today, locale);
      if (!places.has(key)) places.set(key, list.firstElementChild);
      const row = this.#row(slot, own, setting, calendar.info?.archived ?? false);
      const at = places.get(key) ?? null;
      if (at === row.element) places.set(key, at.nextElementSibling);
      else list.insertBefore(row.element, at);
      seen.add(slot.id);
    }
    for (const [id, row] of this.#rows) {
      if (seen.has(id)) continue;
      row.element.remove();
      this.#rows.delete(id);
    }
    for (const [key, section] of this.#days) {
      if (days.has(key)) continue;
      section.remove();
      this.#days.delete(key);
    }
    return room >= 0;
  }

  #day(key: string, days: Set<string>, today: string, locale: Locale): HTMLElement {
    let section = this.#days.get(key);
    if (section === undefined) {
      section = h(
        "section",
        { class: "day" },
        h(
          "h2",
          { class: "day-title" },
          h("span", { class: "day-near" }),
          h("span", { class: "day-name" }),
        ),
        h("ul", { class: "rows" }),
      );
      section.dataset.day = key;
      this.#days.set(key, section);
      const later = [...this.element.children].find(
        (other) => ((other as HTMLElement).dataset.day ?? "") > key,
      );
      this.element.insertBefore(section, later ?? null);
    }
    if (!days.has(key)) {
      days.add(key);
      setText(section.querySelector(".day-near") as Element, nearness(key, today, locale.texts));
      setText(section.querySelector(".day-name") as Element, dayTitle(key, today, locale));
    }
    return section.querySelector(".rows") as HTMLElement;
  }

  #row(
    slot: AgendaSlot,
    bookings: readonly StaffBooking[],
    setting: AgendaSetting,
    isArchived: boolean,
  ): Row {
    const isPast = Date.parse(slot.start) <= setting.now;
    const isRemoved = slot.isRemoved === true;
    const place = { isPast, isRemoved, isOver: isArchived || isRemoved };
    const drawn = [
      slot.version,
      isPast,
      isArchived,
      slot.isRemoved,
      setting.zone,
      ...bookings.map((booking) => `${booking.id}:${booking.version}`),
    ].join();
    const row = this.#rows.get(slot.id) ?? {
      element: h("li", { class: "row", tabindex: -1 }),
      drawn: "",
    };
    this.#rows.set(slot.id, row);
    if (row.drawn === drawn) return row;
    const isNew = row.drawn === "";
    row.drawn = drawn;
    row.element.dataset.slot = slot.id;
    setData(row.element, "status", slot.status);
    setData(row.element, "past", isPast ? "" : undefined);
    setData(row.element, "version", String(slot.version));
    redraw(
      row.element,
      h(
        "div",
        { class: "row-head" },
        h("span", { class: "row-time" }, this.#time(slot, setting)),
        h("span", { class: "row-status" }, statusText(slot, isPast, isArchived)),
        h(
          "span",
          { class: "actions row-actions" },
          ...(place.isOver ? [] : slotButtons(slot, this.#actions)),
        ),
      ),
      ...bookings.map((booking) => this.#booking(booking, place)),
    );
    if (!isNew) flash(row.element);
    return row;
  }

  #time(slot: Slot, { zone, locale }: AgendaSetting): string {
    const from = timeText(Date.parse(slot.start), zone, locale);
    return `${from} – ${timeText(Date.parse(slot.end), zone, locale)}`;
  }

  #booking(booking: StaffBooking, place: Place): HTMLElement {
    const { customer, status } = booking;
    const buttons = bookingButtons(booking, place, this.#actions);
    const contact = [customer?.email, customer?.phone].filter(Boolean).join(" · ");
    const element = h(
      "div",
      { class: "person" },
      h(
        "div",
        { class: "person-text" },
        h(
          "p",
          { class: "person-name" },
          customer?.name ?? texts.agenda.erased,
          booking.seats > 1 && h("small", {}, ` · ${texts.agenda.places(booking.seats)}`),
        ),
        contact !== "" && h("p", { class: "person-line" }, contact),
        ...answersOf(booking).map((line) => h("p", { class: "person-line" }, line)),
        customer?.note ? h("p", { class: "person-line person-note" }, `“${customer.note}”`) : false,
      ),
      h("span", { class: "tag" }, texts.agenda[status]),
      h("span", { class: "actions" }, ...buttons),
    );
    element.dataset.booking = booking.id;
    element.dataset.state = status;
    return element;
  }
}

/** Replaces the content of a row. The focus stays on the same button, or goes to the row. */
function redraw(row: HTMLElement, ...content: readonly HTMLElement[]): void {
  const bookingOf = (one: Element) => one.closest<HTMLElement>("[data-booking]")?.dataset.booking;
  const focused = row.contains(document.activeElement) ? document.activeElement : null;
  const [booking, label] = [focused && bookingOf(focused), focused?.textContent];
  row.replaceChildren(...content);
  if (focused === null) return;
  const isSame = (one: Element) => bookingOf(one) === booking && one.textContent === label;
  const same = [...row.querySelectorAll("button")].find(isSame);
  (same ?? row).focus();
}

/** Whether the agenda lists it without cancelled bookings. */
export const isShown = (booking: StaffBooking): boolean =>
  isStanding(booking) || booking.status === "no_show";

function statusText(slot: AgendaSlot, isPast: boolean, isArchived: boolean): string {
  if (slot.isRemoved) return texts.agenda.removed;
  if (isArchived) return texts.agenda.closed;
  if (slot.status === "open" && slot.capacity === 1 && isPast) return texts.agenda.notBooked;
  if (slot.status === "open" && !slot.bookable && !isPast) return texts.agenda.blocked;
  if (slot.capacity === 1 || slot.status === "closed") return texts.agenda[slot.status];
  const taken = slot.capacity - slot.remaining;
  return texts.agenda.taken(taken, slot.capacity);
}

export function groupBySlot(bookings: readonly StaffBooking[]): Map<string, StaffBooking[]> {
  const groups = new Map<string, StaffBooking[]>();
  for (const booking of bookings) {
    const group = groups.get(booking.slot);
    if (group === undefined) groups.set(booking.slot, [booking]);
    else group.push(booking);
  }
  for (const group of groups.values())
    group.sort((a, b) => a.created_at.localeCompare(b.created_at));
  return groups;
}
