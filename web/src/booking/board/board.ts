/** The slots, grouped by day. A slot keeps its element. */

import type { Policy, Slot } from "../../client";
import { focused, h, setData, setText } from "../../ui/dom";
import type { Catalog } from "../../language/english";
import type { Mark } from "../own/own_store";
import { keepOneTabStop, listenToKeys, stepFrom } from "./board_keys";
import { DayGrouping } from "./day_groups";
import { type Day, type DaySummary, freeText, makeDay } from "./day_section";
import { type Setting, SlotCell } from "./slot_cell";
import { dayKey, dayTitle, nearness } from "../../ui/time";

export interface BoardSource {
  readonly slots: readonly Slot[];
  readonly policy: Policy | undefined;
  readonly isArchived: boolean;
  readonly pending: ReadonlySet<string>;
  markOf(slot: string): Mark | undefined;
  /** The slots with a mark. */
  readonly marked: ReadonlySet<string>;
}

export interface BoardActions {
  pick(slot: Slot, button: HTMLButtonElement): void;
  /** Has a screen reader say a text. */
  announce(text: string): void;
  go(day: string): void;
  /** The address of a day. */
  linkOf(day: string): string;
}

const LEAVE_MS = 260;
const FLASH_MS = 1_400;
/** A day without a change is drawn again after this time, for its texts that depend on the clock. */
const STEADY_MS = 5_000;
/** Draws of days by the clock take so much of a frame, and the rest comes in the next ones. */
const SHARE_MS = 3;

export class Board {
  readonly element = h("div", { class: "board", id: "times", part: "board" });
  readonly #cells = new Map<string, SlotCell>();
  readonly #days = new Map<string, Day>();
  readonly #actions: BoardActions;
  readonly #texts: Catalog;
  #setting: Setting | undefined;
  readonly #grouping = new DayGrouping();
  #look: readonly unknown[] = [];
  #isFirst = true;
  #isBehind = false;

  constructor(texts: Catalog, actions: BoardActions) {
    this.#actions = actions;
    this.#texts = texts;
    listenToKeys(this.element);
  }

  /** Draws everything. It touches only the differences. */
  draw(source: BoardSource, setting: Setting): readonly DaySummary[] {
    this.#setting = setting;
    const today = dayKey(setting.now, setting.zone);
    const { groups, replaced } = this.#grouping.group(source.slots, setting.zone, setting.now);
    if (replaced === undefined) {
      const seen = new Set([...groups.values()].flat().map(({ id }) => id));
      // Before the others are moved: the focus goes to the neighbour of a slot that leaves.
      for (const [id, cell] of this.#cells) if (!seen.has(id)) this.#leave(id, cell);
    }
    const isOther = this.#isOtherLook(source, setting, today);
    if (replaced === undefined || isOther) for (const day of this.#days.values()) delete day.steady;
    const began = performance.now();
    this.#isBehind = false;
    const summaries = [...groups].map(([key, slots]) => {
      const day = this.#days.get(key) ?? this.#addDay(key);
      const steady = this.#drawSteady(day, slots, replaced?.get(key), source, setting, began);
      return steady ?? this.#drawDay(day, key, slots, source, setting, today);
    });
    for (const [key, day] of this.#days) {
      if (groups.has(key)) continue;
      day.section.remove();
      this.#days.delete(key);
    }
    this.#isFirst = false;
    return summaries;
  }

  /** Whether the last draw has left days for the next one. */
  get isBehind(): boolean {
    return this.#isBehind;
  }

  /** Draws the countdowns only. */
  tick(setting: Setting): void {
    for (const cell of this.#cells.values()) {
      const { state } = cell;
      if (state?.mark?.kind === "hold" || state?.slot.held_until) cell.tick(setting);
    }
  }

  section(key: string): HTMLElement | undefined {
    return this.#days.get(key)?.section;
  }

  /** The first day with slots after a day. */
  sectionAfter(key: string): HTMLElement | undefined {
    const later = [...this.#days.keys()].filter((day) => day > key).sort();
    return this.section(later[0] ?? "");
  }

  cell(slot: string): SlotCell | undefined {
    return this.#cells.get(slot);
  }

  /** Whether anything but the slots, the clock and the marks differs from the last draw. */
  #isOtherLook(
    { policy, isArchived }: BoardSource,
    { zone, beside, locale }: Setting,
    today: string,
  ): boolean {
    const look = [policy, isArchived, zone, beside, locale, today];
    const isOther = look.some((one, place) => one !== this.#look[place]);
    this.#look = look;
    return isOther;
  }

  /** Draws the replaced slots of a day that is drawn already. Returns undefined if the day needs a whole
   * draw. A draw that only the clock asks for waits for another frame if this one has taken long. */
  #drawSteady(
    day: Day,
    slots: readonly Slot[],
    replaced: readonly Slot[] = [],
    source: BoardSource,
    setting: Setting,
    began: number,
  ): DaySummary | undefined {
    const { steady } = day;
    if (steady === undefined || this.#hasMark(slots, source)) return undefined;
    if (setting.now - steady.at >= STEADY_MS) {
      if (performance.now() - began < SHARE_MS) return undefined;
      this.#isBehind = true;
    }
    if (replaced.length === 0) return steady.summary;
    let { free } = steady.summary;
    for (const slot of replaced) {
      const cell = this.#cells.get(slot.id);
      if (cell === undefined) return undefined;
      const wasFree = cell.isFree;
      this.#drawCell(cell, slot, source, setting);
      free += Number(cell.isFree) - Number(wasFree);
    }
    if (free === 0) return undefined;
    const summary = this.#summarize(day, free, steady.summary, setting);
    day.steady = { slots, summary, at: steady.at };
    return summary;
  }

  #drawCell(cell: SlotCell, slot: Slot, source: BoardSource, setting: Setting): void {
    const { policy, isArchived, marked, pending } = source;
    const mark = marked.has(slot.id) ? source.markOf(slot.id) : undefined;
    const wasFree = cell.isFree;
    const state = { slot, mark, policy, isArchived, isPending: pending.has(slot.id) };
    if (cell.draw(state, setting)) flash(cell.button);
    this.#announce(cell, wasFree, setting);
  }

  #summarize(day: Day, free: number, { key, all }: DaySummary, { locale }: Setting): DaySummary {
    setText(day.count, freeText(free, locale.texts));
    setData(day.section, "free", String(free));
    return { key, free, all };
  }

  #drawDay(
    day: Day,
    key: string,
    slots: readonly Slot[],
    source: BoardSource,
    setting: Setting,
    today: string,
  ): DaySummary {
    setText(day.title, dayTitle(key, today, setting.locale));
    setText(day.near, nearness(key, today, setting.locale.texts));
    const isMarked = (id: string) => source.marked.has(id) && source.markOf(id) !== undefined;
    let free = 0;
    let at: Element | null = day.list.firstElementChild;
    for (const slot of slots) {
      const cell = this.#cells.get(slot.id) ?? this.#addCell(slot.id);
      this.#drawCell(cell, slot, source, setting);
      if (cell.isFree) free += 1;
      while (at?.classList.contains("leaving")) at = at.nextElementSibling;
      if (at === cell.element) at = at.nextElementSibling;
      else day.list.insertBefore(cell.element, at);
    }
    const summary = this.#summarize(day, free, { key, free, all: slots.length }, setting);
    const hasOwn = slots.some(({ id }) => isMarked(id));
    day.section.toggleAttribute("data-own", hasOwn);
    // A day in use stays open: with the focus, with a time of the visitor's own, or with one on hold
    // that may come back.
    const isInUse =
      hasOwn || slots.some(({ id, status }) => status === "held" || source.pending.has(id));
    const isSoldOut = free === 0 && !isInUse && !day.list.contains(focused(this.element));
    day.section.toggleAttribute("data-sold-out", isSoldOut);
    keepOneTabStop(day.list);
    // A mark that goes, or the focus on a sold-out day, is no change of a slot.
    if (free === 0 || this.#hasMark(slots, source)) delete day.steady;
    else day.steady = { slots, summary, at: setting.now };
    return summary;
  }

  #hasMark(slots: readonly Slot[], { marked, pending }: BoardSource): boolean {
    return (
      marked.size + pending.size > 0 && slots.some(({ id }) => marked.has(id) || pending.has(id))
    );
  }

  #addDay(key: string): Day {
    const { go, linkOf } = this.#actions;
    const day = makeDay(key, this.#texts, linkOf(key), () => go(key));
    this.#days.set(key, day);
    const later = [...this.element.children].find(
      (other) => ((other as HTMLElement).dataset.day ?? "") > key,
    );
    this.element.insertBefore(day.section, later ?? null);
    return day;
  }

  #addCell(id: string): SlotCell {
    const cell = new SlotCell(
      id,
      ({ state, button }) => state && this.#actions.pick(state.slot, button),
    );
    this.#cells.set(id, cell);
    if (!this.#isFirst) cell.element.classList.add("entering");
    return cell;
  }

  #leave(id: string, cell: SlotCell): void {
    this.#cells.delete(id);
    delete cell.button.dataset.slot;
    if (cell.button.matches(":focus")) {
      const { slot } = this.#texts;
      if (this.#setting) this.#actions.announce(slot.removed(cell.range(this.#setting)));
      stepFrom(this.element, cell.button, 1);
    }
    cell.button.disabled = true;
    cell.element.setAttribute("aria-hidden", "true");
    cell.element.classList.add("leaving");
    setTimeout(() => cell.element.remove(), LEAVE_MS);
  }

  /** Tells a visitor that somebody else took the time in focus, or gave it back. */
  #announce(cell: SlotCell, wasFree: boolean, setting: Setting): void {
    if (wasFree === cell.isFree || !cell.button.matches(":focus")) return;
    const { mark, isPending } = cell.state ?? {};
    if (mark !== undefined || isPending) return;
    const { slot } = this.#texts;
    const range = cell.range(setting);
    this.#actions.announce(cell.isFree ? slot.freeAgain(range) : slot.taken(range));
  }
}

function flash(button: HTMLElement): void {
  const isAgain = button.classList.contains("flash");
  // Most have no animation to restart. Asking for it has the browser compute the styles of the board.
  if (isAgain)
    for (const animation of button.getAnimations({ subtree: true })) animation.currentTime = 0;
  button.classList.add("flash");
  setTimeout(() => button.classList.remove("flash"), FLASH_MS);
}
