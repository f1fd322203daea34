/** A slot in the week grid: its time and state, with a chip for each of its bookings. */

import type { StaffBooking } from "../../client";
import { flash, h, setData } from "../../ui/dom";
import { type Locale, timeText } from "../../ui/time";
import type { AgendaSlot } from "../agenda/removed_slots";
import type { Placed } from "./grid_layout";
import { texts } from "../texts";

export interface BlockSetting {
  readonly zone: string;
  readonly locale: Locale;
  readonly now: number;
  readonly scale: number;
  readonly isArchived: boolean;
  /** The width of a day, in pixels. */
  readonly width: number;
}

export interface Block {
  readonly element: HTMLElement;
  drawn: string;
}

/** A lower block has no room for a second line. */
const ONE_LINE_PX = 36;
/** In a narrower block the time could not be read. */
const TIME_PX = 30;
/** The height of the lowest block with its margins. */
export const LEAST_BLOCK_PX = 20;

export const newBlock = (slot: string): Block => {
  const element = h("div", { class: "block", role: "group" });
  element.dataset.slot = slot;
  return { element, drawn: "" };
};

export function drawBlock(
  block: Block,
  { slot, top, bottom, lane, lanes }: Placed<AgendaSlot>,
  bookings: readonly StaffBooking[],
  setting: BlockSetting,
): void {
  const { zone, locale, scale } = setting;
  const isNarrow = setting.width / lanes < TIME_PX;
  const isPast = Date.parse(slot.start) <= setting.now;
  const place = [top, bottom, lane, lanes, scale, isNarrow].join();
  const versions = bookings.map(({ id, version }) => `${id}:${version}`).join();
  const drawn = [place, slot.version, isPast, zone, setting.isArchived, versions].join(" ");
  if (drawn === block.drawn) return;
  const { element } = block;
  const isNew = block.drawn === "";
  block.drawn = drawn;
  const height = Math.max(LEAST_BLOCK_PX, (bottom - top) * scale) - 2;
  element.style.top = `${top * scale}px`;
  element.style.height = `${height}px`;
  element.style.insetInlineStart = `${(100 * lane) / lanes}%`;
  element.style.width = `calc(${100 / lanes}% - 2px)`;
  setData(element, "status", setting.isArchived || slot.isRemoved ? "closed" : slot.status);
  setData(element, "past", isPast ? "" : undefined);
  setData(element, "blocked", isBlocked(slot, isPast) ? "" : undefined);
  setData(element, "taken", bookings.length > 0 ? "" : undefined);
  setData(element, "narrow", isNarrow ? "" : undefined);
  setData(element, "low", height < ONE_LINE_PX ? "" : undefined);
  const time = timeText(Date.parse(slot.start), zone, locale);
  const state = stateText(slot, isPast, setting.isArchived);
  const focused = element.contains(document.activeElement)
    ? ((document.activeElement as HTMLElement).dataset.booking ?? "")
    : undefined;
  element.replaceChildren(
    isNarrow ? slotButton(`${time} ${state}`) : slotButton("", ...slotTexts(time, state)),
    ...bookings.map(chip),
  );
  if (focused !== undefined) {
    const chips = [...element.querySelectorAll<HTMLElement>("[data-booking]")];
    const same = chips.find(({ dataset }) => dataset.booking === focused);
    (same ?? element.querySelector("button"))?.focus();
  }
  if (!isNew) flash(element);
}

function slotButton(label: string, ...texts: readonly HTMLElement[]): HTMLElement {
  const made = h("button", { type: "button", class: "block-slot", tabindex: -1 }, ...texts);
  if (label !== "") {
    made.title = label;
    made.ariaLabel = label;
  }
  return made;
}

/** Splits `2:30 AM GMT+2`: a narrow block has room for `2:30` and `+2`. */
export function timeParts(time: string): readonly [string, string, string, string] {
  const [, clock = time, half = "", zone = "", offset = ""] =
    /^(.*?)( [AP]M)?(?:( GMT)([-+].*)?)?$/.exec(time) ?? [];
  return [clock, half, zone, offset];
}

function slotTexts(time: string, state: string): readonly HTMLElement[] {
  const [clock, half, zone, offset] = timeParts(time);
  const unseen = (text: string) => text !== "" && h("span", { class: "unseen" }, text);
  return [
    h(
      "span",
      { class: "block-time" },
      clock,
      unseen(half + zone),
      offset && h("small", {}, offset),
    ),
    h("span", { class: "block-state" }, state),
  ];
}

function chip(booking: StaffBooking): HTMLElement {
  const { id, customer, seats, status } = booking;
  const name = customer?.name ?? texts.agenda.erased;
  const made = h(
    "button",
    { type: "button", class: "chip", tabindex: -1 },
    name,
    seats > 1 && h("small", {}, ` × ${seats}`),
  );
  made.title = [name, customer?.phone, customer?.email, customer?.note].filter(Boolean).join(" · ");
  made.dataset.booking = id;
  made.dataset.state = status;
  return made;
}

const isBlocked = (slot: AgendaSlot, isPast: boolean): boolean =>
  slot.status === "open" && !slot.bookable && !isPast;

function stateText(slot: AgendaSlot, isPast: boolean, isArchived: boolean): string {
  if (slot.isRemoved) return texts.agenda.removed;
  if (isArchived || slot.status === "closed") return texts.agenda.closed;
  if (slot.capacity > 1) return `${slot.capacity - slot.remaining}/${slot.capacity}`;
  if (slot.status === "booked") return texts.agenda.booked;
  if (slot.status === "held") return texts.agenda.held;
  if (isPast) return texts.agenda.notBooked;
  return isBlocked(slot, isPast) ? texts.agenda.blocked : texts.agenda.open;
}
