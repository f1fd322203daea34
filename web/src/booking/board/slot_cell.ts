/** A slot on the board: its text, and its state. */

import type { Policy, Slot } from "../../client";
import { h, setData, setText } from "../../ui/dom";
import { clockRefusal, isTakeable } from "../policy";
import type { Mark } from "../own/own_store";
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
  readonly locale: Locale;
  readonly now: number;
}

export function canTake({ slot, mark, policy, isArchived }: CellState, now: number): boolean {
  return mark === undefined && isTakeable(slot, policy, isArchived, now);
}

/** The small line under the time. */
export function note(state: CellState, now: number): string {
  const { slot, mark, policy } = state;
  if (state.isPending) return "One moment…";
  if (mark?.kind === "hold") return `Yours for ${countdownText(mark.until - now)}`;
  if (mark?.kind === "booking") return mark.status === "pending" ? "Requested" : "Booked by you";
  if (slot.status === "closed") return "Closed";
  if (slot.status === "booked") return slot.capacity > 1 ? "Full" : "Booked";
  if (slot.status === "held") {
    const left = slot.held_until ? Date.parse(slot.held_until) - now : 0;
    return left > 0 ? `On hold ${countdownText(left)}` : "On hold";
  }
  if (state.isArchived) return "Closed";
  const refusal = clockRefusal(slot, policy, now);
  if (refusal !== "") return refusal;
  if (!slot.bookable) return "Blocked";
  if (slot.capacity > 1) return `${slot.remaining} of ${slot.capacity} left`;
  return durationText(Date.parse(slot.end) - Date.parse(slot.start));
}

/** Returns the part of a cell's look that does not come from its slot, as a text. */
function signature({ mark, policy, isArchived, isPending }: CellState, { zone }: Setting): string {
  const own = mark === undefined ? "" : mark.kind === "hold" ? mark.until : mark.status;
  return `${zone} ${own} ${isPending} ${isArchived} ${policy?.min_notice} ${policy?.max_advance}`;
}

/** The longest age of a text that depends on the clock but has no countdown. */
const FRESH_MS = 20_000;

export class SlotCell {
  readonly element: HTMLLIElement;
  readonly button: HTMLButtonElement;
  readonly #time = h("span", { class: "slot-time" });
  readonly #note = h("span", { class: "slot-note" });
  readonly #bar = h("span", { class: "slot-bar", "aria-hidden": "true" });
  #state: CellState | undefined;
  #seen = "";
  #look = "";
  #isFree = false;
  #ticked = 0;

  constructor(id: string, pick: (cell: SlotCell) => void) {
    this.button = h(
      "button",
      { type: "button", class: "slot", tabindex: -1, onclick: () => pick(this) },
      this.#time,
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
    setText(this.#time, timeText(Date.parse(slot.start), setting.zone, setting.locale));
    setData(this.button, "status", slot.status);
    setData(this.button, "version", String(slot.version));
    setData(this.button, "mine", state.mark?.kind);
    setData(this.button, "pending", state.isPending ? "" : undefined);
    this.tick(setting);
    return before !== "" && before !== this.#look;
  }

  /** Draws the parts that depend on the clock. */
  tick({ zone, locale, now }: Setting): void {
    const state = this.#state;
    if (state === undefined) return;
    const { slot, mark, policy } = state;
    const isFree = canTake(state, now);
    this.#isFree = isFree;
    this.#ticked = now;
    const text = note(state, now);
    setText(this.#note, text);
    setData(this.button, "free", isFree ? "" : undefined);
    const isUsable = isFree || mark !== undefined;
    if (isUsable) this.button.removeAttribute("aria-disabled");
    else this.button.setAttribute("aria-disabled", "true");
    const from = timeText(Date.parse(slot.start), zone, locale);
    const to = timeText(Date.parse(slot.end), zone, locale);
    const label = `${from} to ${to}, ${isFree ? `free, ${text}` : text}`;
    // A screen reader would read out a countdown over and over. The minute is enough.
    this.button.setAttribute("aria-label", label.replace(/ \d+:\d\d(:\d\d)?$/, ""));
    const until = mark?.kind === "hold" ? mark.until : Date.parse(slot.held_until ?? "");
    const whole = (policy?.hold_seconds ?? 300) * 1_000;
    const share = Number.isNaN(until) ? 0 : Math.min(1, Math.max(0, (until - now) / whole));
    this.#bar.style.setProperty("--share", share.toFixed(4));
  }
}
