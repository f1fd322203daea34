/** A slot on the board: its text, and its state. */

import type { Policy, Slot } from "../../client";
import { h, setData, setText } from "../../ui/dom";
import type { Catalog } from "../../language/english";
import { clockRefusal, isTakeable } from "../policy";
import type { Mark } from "../own/own_store";
import { serviceOf } from "../service";
import { countdownText, durationText, type Locale, timeText } from "../../ui/time";

export interface CellState {
  readonly slot: Slot;
  readonly mark: Mark | undefined;
  readonly policy: Policy | undefined;
  readonly isArchived: boolean;
  readonly isPending: boolean;
}

export interface Setting {
  readonly zone: string;
  /** The visitor's zone, shown beside that of the place. */
  readonly beside?: string | undefined;
  readonly locale: Locale;
  readonly now: number;
}

export function canTake({ slot, mark, policy, isArchived }: CellState, now: number): boolean {
  return mark === undefined && isTakeable(slot, policy, isArchived, now);
}

/** The small line under the time. */
export function note(state: CellState, now: number, catalog: Catalog): string {
  const { slot, mark, policy } = state;
  const texts = catalog.slot;
  if (state.isPending) return texts.moment;
  if (mark?.kind === "hold") return texts.yours(countdownText(mark.until - now));
  if (mark?.kind === "booking")
    return mark.status === "pending" ? texts.requested : texts.bookedByYou;
  if (slot.status === "closed") return texts.closed;
  if (slot.status === "booked") return slot.capacity > 1 ? texts.full : texts.booked;
  if (slot.status === "held") {
    const left = slot.held_until ? Date.parse(slot.held_until) - now : 0;
    return left > 0 ? texts.onHoldFor(countdownText(left)) : texts.onHold;
  }
  if (state.isArchived) return texts.closed;
  const refusal = clockRefusal(slot, policy, now);
  if (refusal !== undefined) return texts[refusal];
  if (!slot.bookable) return texts.blocked;
  if (slot.capacity > 1) return texts.left(slot.remaining, slot.capacity);
  return durationText(Date.parse(slot.end) - Date.parse(slot.start), catalog);
}

/** Returns the part of a cell's look that does not come from its slot, as a text. */
function signature(
  { mark, policy, isArchived, isPending }: CellState,
  { zone, beside }: Setting,
): string {
  const own = mark === undefined ? "" : mark.kind === "hold" ? mark.until : mark.status;
  return `${zone} ${beside} ${own} ${isPending} ${isArchived} ${policy?.min_notice} ${policy?.max_advance}`;
}

const COUNTDOWN = / ?\d+:\d\d(:\d\d)?$/;

/** The longest age of a text that depends on the clock but has no countdown. */
const FRESH_MS = 20_000;

export class SlotCell {
  readonly element: HTMLLIElement;
  readonly button: HTMLButtonElement;
  readonly #label = h("span", { class: "unseen" });
  readonly #time = h("span", { class: "slot-time", "aria-hidden": "true" });
  readonly #beside = h("span", { class: "slot-beside", "aria-hidden": "true" });
  readonly #service = h("span", { class: "slot-service", "aria-hidden": "true" });
  readonly #note = h("span", { class: "slot-note", "aria-hidden": "true" });
  readonly #bar = h("span", { class: "slot-bar", "aria-hidden": "true" });
  #state: CellState | undefined;
  #seen = "";
  #look = "";
  #isFree = false;
  #hasShare = false;
  #ticked = 0;

  constructor(id: string, pick: (cell: SlotCell) => void) {
    this.button = h(
      "button",
      { type: "button", class: "slot", part: "slot", tabindex: -1, onclick: () => pick(this) },
      this.#label,
      this.#time,
      this.#beside,
      this.#service,
      this.#note,
      this.#bar,
    );
    this.button.dataset.slot = id;
    this.element = h("li", { class: "cell" }, this.button);
  }

  get state(): CellState | undefined {
    return this.#state;
  }

  /** Whether the visitor can take the slot, as of the last draw. */
  get isFree(): boolean {
    return this.#isFree;
  }

  /** Draws the cell and returns whether a change altered its look. */
  draw(state: CellState, setting: Setting): boolean {
    const seen = signature(state, setting);
    // A change touches one slot of two thousand. Slots are never changed in place.
    const isSame = state.slot === this.#state?.slot && seen === this.#seen;
    if (isSame && setting.now - this.#ticked < FRESH_MS) return false;
    const { slot } = state;
    const before = this.#look;
    this.#state = state;
    this.#seen = seen;
    this.#look = [slot.start, slot.end, slot.status, slot.remaining, slot.bookable].join();
    this.#drawTimes(slot, setting);
    setData(this.button, "status", slot.status);
    setData(this.button, "version", String(slot.version));
    setData(this.button, "mine", state.mark?.kind);
    setData(this.button, "pending", state.isPending ? "" : undefined);
    this.tick(setting);
    return before !== "" && before !== this.#look;
  }

  /** The time of the slot, as words: `9:00 to 9:30`. */
  range({ zone, locale }: Setting): string {
    const { start = "", end = "" } = this.#state?.slot ?? {};
    const [from, to] = [start, end].map((time) => timeText(Date.parse(time), zone, locale));
    return locale.texts.slot.range(from ?? "", to ?? "");
  }

  #drawTimes(slot: Slot, { zone, beside, locale }: Setting): void {
    const start = Date.parse(slot.start);
    setText(this.#time, timeText(start, zone, locale));
    const other = beside === undefined ? "" : timeText(start, beside, locale);
    setText(this.#beside, other && locale.texts.zone.visitorTime(other));
    setText(this.#service, serviceOf(slot).title);
  }

  /** Draws the parts that depend on the clock. */
  tick(setting: Setting): void {
    const { locale, now } = setting;
    const state = this.#state;
    if (state === undefined) return;
    const { slot, mark, policy } = state;
    const isFree = canTake(state, now);
    this.#isFree = isFree;
    this.#ticked = now;
    const { texts } = locale;
    const text = note(state, now, texts);
    setText(this.#note, text);
    setData(this.button, "free", isFree ? "" : undefined);
    const isUsable = isFree || mark !== undefined;
    this.element.toggleAttribute("data-usable", isUsable);
    if (isUsable) this.button.removeAttribute("aria-disabled");
    else this.button.setAttribute("aria-disabled", "true");
    // A screen reader would read out a countdown over and over.
    const calm = text.replace(COUNTDOWN, "");
    const range = this.range(setting);
    const label = isFree ? texts.slot.freeLabel(range, calm) : texts.slot.label(range, calm);
    const more = [this.#beside.textContent, this.#service.textContent].filter(Boolean);
    setText(this.#label, [label, ...more].join(", "));
    const until = mark?.kind === "hold" ? mark.until : Date.parse(slot.held_until ?? "");
    const whole = (policy?.hold_seconds ?? 300) * 1_000;
    const share = Number.isNaN(until) ? 0 : Math.min(1, Math.max(0, (until - now) / whole));
    if (share > 0 || this.#hasShare) this.#bar.style.setProperty("--share", share.toFixed(4));
    this.#hasShare = share > 0;
  }
}
