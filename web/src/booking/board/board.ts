/** The slots, grouped by day. A slot keeps its element. */

import type { Policy, Slot } from "../../client";
import { h, setText } from "../../ui/dom";
import type { Mark } from "../own/own_store";
import { type Setting, SlotCell } from "./slot_cell";
import { dayKey, dayTitle, nearness } from "../../ui/time";

export interface BoardSource {
  readonly slots: readonly Slot[];
  readonly policy: Policy | undefined;
  readonly isArchived: boolean;
  readonly pending: ReadonlySet<string>;
  markOf(slot: string): Mark | undefined;
}

export interface DaySummary {
  readonly key: string;
  readonly free: number;
  readonly all: number;
}

interface Day {
  readonly section: HTMLElement;
  readonly title: HTMLElement;
  readonly near: HTMLElement;
  readonly count: HTMLElement;
  readonly list: HTMLUListElement;
}

const LEAVE_MS = 260;
const FLASH_MS = 1_400;

export class Board {
  readonly element = h("div", { class: "board" });
  readonly #cells = new Map<string, SlotCell>();
  readonly #days = new Map<string, Day>();
  readonly #pick: (slot: Slot, button: HTMLButtonElement) => void;
  readonly #keys = new Map<string, string>();
  #zone = "";
  #isFirst = true;

  constructor(pick: (slot: Slot, button: HTMLButtonElement) => void) {
    this.#pick = pick;
    this.element.addEventListener("keydown", (event) => this.#onKey(event));
    this.element.addEventListener("focusin", (event) => this.#onFocus(event));
  }

  /** Draws everything. It touches only the differences. */
  draw(source: BoardSource, setting: Setting): readonly DaySummary[] {
    if (setting.zone !== this.#zone) {
      this.#keys.clear();
      this.#zone = setting.zone;
    }
    const today = dayKey(setting.now, setting.zone);
    const byDay = new Map<string, Slot[]>();
    for (const slot of source.slots) {
      if (Date.parse(slot.end) <= setting.now) continue;
      const key = this.#dayOf(slot.start, setting.zone);
      const day = byDay.get(key);
      if (day === undefined) byDay.set(key, [slot]);
      else day.push(slot);
    }
    const seen = new Set<string>();
    const summaries: DaySummary[] = [];
    for (const [key, slots] of byDay) {
      summaries.push(this.#drawDay(key, slots, source, setting, today));
      for (const slot of slots) seen.add(slot.id);
    }
    for (const [id, cell] of this.#cells) if (!seen.has(id)) this.#leave(id, cell);
    for (const [key, day] of this.#days) {
      if (byDay.has(key)) continue;
      day.section.remove();
      this.#days.delete(key);
    }
    this.#isFirst = false;
    return summaries;
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

  cell(slot: string): SlotCell | undefined {
    return this.#cells.get(slot);
  }

  #dayOf(start: string, zone: string): string {
    let key = this.#keys.get(start);
    if (key === undefined) {
      key = dayKey(Date.parse(start), zone);
      this.#keys.set(start, key);
    }
    return key;
  }

  #drawDay(
    key: string,
    slots: readonly Slot[],
    source: BoardSource,
    setting: Setting,
    today: string,
  ): DaySummary {
    const day = this.#days.get(key) ?? this.#addDay(key);
    setText(day.title, dayTitle(key, today, setting.locale));
    setText(day.near, nearness(key, today));
    let free = 0;
    let at: Element | null = day.list.firstElementChild;
    for (const slot of slots) {
      const cell = this.#cells.get(slot.id) ?? this.#addCell(slot.id);
      const isPending = source.pending.has(slot.id);
      const { policy, isArchived } = source;
      const state = { slot, mark: source.markOf(slot.id), policy, isArchived, isPending };
      if (cell.draw(state, setting)) flash(cell.button);
      if (cell.isFree) free += 1;
      while (at?.classList.contains("leaving")) at = at.nextElementSibling;
      if (at === cell.element) at = at.nextElementSibling;
      else day.list.insertBefore(cell.element, at);
    }
    setText(day.count, free === 0 ? "Nothing free" : `${free} free`);
    day.section.dataset.free = String(free);
    this.#keepOneTabStop(day.list);
    return { key, free, all: slots.length };
  }

  #addDay(key: string): Day {
    const id = `day-${key}`;
    const title = h("span", {});
    const near = h("span", { class: "day-near" });
    const count = h("span", { class: "day-count" });
    const list = h("ul", { class: "slots" });
    const heading = h("h2", { class: "day-title", id }, near, title);
    const section = h(
      "section",
      { class: "day", "aria-labelledby": id },
      h("header", { class: "day-head" }, heading, count),
      list,
    );
    section.dataset.day = key;
    const day = { section, title, near, count, list };
    this.#days.set(key, day);
    const later = [...this.element.children].find(
      (other) => ((other as HTMLElement).dataset.day ?? "") > key,
    );
    this.element.insertBefore(section, later ?? null);
    return day;
  }

  #addCell(id: string): SlotCell {
    const cell = new SlotCell(id, ({ state, button }) => state && this.#pick(state.slot, button));
    this.#cells.set(id, cell);
    if (!this.#isFirst) cell.element.classList.add("entering");
    return cell;
  }

  #leave(id: string, cell: SlotCell): void {
    this.#cells.delete(id);
    delete cell.button.dataset.slot;
    if (cell.button.matches(":focus")) this.#step(cell.button, 1);
    cell.button.disabled = true;
    cell.element.setAttribute("aria-hidden", "true");
    cell.element.classList.add("leaving");
    setTimeout(() => cell.element.remove(), LEAVE_MS);
  }

  /** A day is one tab stop. Arrow keys move within it. */
  #keepOneTabStop(list: HTMLUListElement): void {
    if (list.querySelector('.slot[tabindex="0"]:not(:disabled)') !== null) return;
    const first =
      list.querySelector<HTMLElement>(".slot[data-free]") ?? list.querySelector(".slot");
    first?.setAttribute("tabindex", "0");
  }

  #onFocus(event: FocusEvent): void {
    const button = event.target;
    if (!(button instanceof HTMLButtonElement) || !button.matches(".slot")) return;
    for (const other of button.closest(".slots")?.querySelectorAll('.slot[tabindex="0"]') ?? []) {
      other.setAttribute("tabindex", "-1");
    }
    button.setAttribute("tabindex", "0");
  }

  #onKey(event: KeyboardEvent): void {
    const button = event.target;
    if (!(button instanceof HTMLButtonElement) || !button.matches(".slot")) return;
    if (event.key === "ArrowRight") this.#step(button, 1);
    else if (event.key === "ArrowLeft") this.#step(button, -1);
    else if (event.key === "ArrowDown") this.#stepRow(button, 1);
    else if (event.key === "ArrowUp") this.#stepRow(button, -1);
    else return;
    event.preventDefault();
  }

  #visible(): HTMLButtonElement[] {
    return [...this.element.querySelectorAll<HTMLButtonElement>(".slot:not(:disabled)")].filter(
      (button) => button.offsetParent !== null,
    );
  }

  #step(from: HTMLButtonElement, by: 1 | -1): void {
    const all = this.#visible();
    all[all.indexOf(from) + by]?.focus();
  }

  /** Returns the nearest slot in the next row, also of another day. */
  #stepRow(from: HTMLButtonElement, by: 1 | -1): void {
    const here = from.getBoundingClientRect();
    const rows = this.#visible()
      .map((button) => ({ button, box: button.getBoundingClientRect() }))
      .filter(({ box }) => (box.top - here.top) * by > 4);
    const top = by * Math.min(...rows.map(({ box }) => box.top * by));
    const row = rows.filter(({ box }) => Math.abs(box.top - top) < 4);
    row.sort((a, b) => Math.abs(a.box.left - here.left) - Math.abs(b.box.left - here.left));
    row[0]?.button.focus();
  }
}

function flash(button: HTMLElement): void {
  button.classList.remove("flash");
  // Reading a layout value restarts the animation.
  void button.offsetWidth;
  button.classList.add("flash");
  setTimeout(() => button.classList.remove("flash"), FLASH_MS);
}
