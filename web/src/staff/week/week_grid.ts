/** The week grid: a column a day, a block a slot. Only the blocks near the visible part are in the
 * page, so that thousands of slots stay smooth. */

import { menuButton } from "../../ui/menu";
import type { StaffBooking } from "../../client";
import { h, setData, setText } from "../../ui/dom";
import { dayKey, dayParts, instantOf, wallClock } from "../../ui/time";
import type { AgendaSlot } from "../agenda/removed_slots";
import type { HoursEdge } from "../schedule/hours_edge";
import { DayBands } from "./day_bands";
import { DAY_MINUTES, hourText, type Placed, placeDay, scaleOf } from "./grid_layout";
import { type Strip, stripsOf } from "./grid_layout";
import { GridDrag } from "./grid_drag";
import { GridFocus } from "./grid_focus";
import { HoursHandles } from "./hours_handles";
import type { BlockSetting } from "./week_block";
import { texts } from "../texts";

export interface GridActions {
  onSlot(slot: string, anchor: HTMLElement): void;
  onBooking(booking: string, anchor: HTMLElement): void;
  onMove(booking: string, slot: string): void;
  onRange(day: string, from: number, to: number): void;
  onDay(day: string): void;
  onClose(day: string): void;
  onResize(edge: HoursEdge, minutes: number): Promise<void>;
  onDragEnd(): void;
  mayChange(): boolean;
}

export interface GridSetting extends Omit<BlockSetting, "scale" | "width"> {
  /** The chosen day. */
  readonly day: string;
}

const MARGIN_PX = 160;
const LEAD_MINUTES = 30;
/** The width of the hours, as in week.css. */
const GUTTER_PX = 52;
const DAYS = 7;
const DAY_MS = 86_400_000;

interface Column {
  readonly day: string;
  readonly title: HTMLButtonElement;
  readonly head: HTMLElement;
  readonly element: HTMLElement;
  readonly bands: DayBands;
  placed: readonly Placed<AgendaSlot>[];
  strips: readonly Strip<AgendaSlot>[];
}

export class WeekGrid {
  readonly element = h("div", { class: "week" });
  readonly #actions: GridActions;
  readonly #handles: HoursHandles;
  readonly #drag: GridDrag;
  readonly #head = h("div", { class: "week-head" });
  readonly #body = h("div", { class: "week-body" });
  readonly #scroll = h("div", { class: "week-scroll" }, this.#body);
  readonly #now = h("div", { class: "week-now", hidden: true });
  #columns: readonly Column[] = [];
  #bookings: ReadonlyMap<string, readonly StaffBooking[]> = new Map();
  #setting: GridSetting | undefined;
  #scale = 1;
  /** The size of the visible part, and the width of a day. They are measured after a layout of the browser's. */
  #height = 0;
  #width = 0;
  #isPlanned = false;
  #isPrinting = false;
  #stop: HTMLElement | undefined;
  #placedFor = "";
  #shownDay = "";

  constructor(actions: GridActions) {
    this.#actions = actions;
    this.#handles = new HoursHandles(
      (edge, minutes) => actions.onResize(edge, minutes),
      () => actions.onDragEnd(),
    );
    this.element.append(this.#head, this.#scroll);
    this.#scroll.addEventListener("scroll", () => this.#plan(), { passive: true });
    addEventListener("beforeprint", () => this.#print(true));
    addEventListener("afterprint", () => this.#print(false));
    new ResizeObserver(() => this.#measure()).observe(this.#scroll);
    this.#scroll.addEventListener("click", (event) => this.#onClick(event.target as HTMLElement));
    this.#drag = new GridDrag(this.#scroll, {
      onMove: (booking, slot) => actions.onMove(booking, slot),
      onRange: (day, from, to) => actions.onRange(day, from, to),
      scale: () => this.#scale,
      mayDrag: () => actions.mayChange(),
      onEnd: () => actions.onDragEnd(),
    });
    new GridFocus(this.#scroll, {
      columns: () => this.#columns.map(({ placed }) => placed),
      reveal: (slot) => this.#reveal(slot),
    });
  }

  get isDragging(): boolean {
    return this.#drag.isDragging || this.#handles.isDragging;
  }

  /** Scrolls to the first slot again at the next drawing: a grid outside of the page has no place. */
  forgetPlace(): void {
    this.#placedFor = "";
    this.#shownDay = "";
  }

  draw(
    days: readonly string[],
    slots: readonly AgendaSlot[],
    bookings: ReadonlyMap<string, readonly StaffBooking[]>,
    setting: GridSetting,
  ): void {
    const scale = scaleOf(slots);
    const isOther = days.join() !== this.#columns.map(({ day }) => day).join();
    if (isOther) this.#build(days, setting);
    if (isOther || scale !== this.#scale) this.#drawHours(scale, setting.locale.hour12);
    this.#scale = scale;
    this.#bookings = bookings;
    this.#setting = setting;
    this.#placeAll(slots, setting.zone);
    this.#drawNow(setting);
    this.#drawVisible(true);
    this.#scrollToDay(setting.day);
    const placedFor = `${days[0]} ${setting.zone}`;
    if (this.#placedFor === placedFor || slots.length === 0) return;
    this.#placedFor = placedFor;
    this.#scrollToFirst();
  }

  /** Draws the handles of the opening hours, after the days. */
  drawHandles(edges: readonly HoursEdge[]): void {
    this.#handles.draw(this.#columns, edges, this.#scale);
  }

  /** Scrolls a slot into the visible part, so that its block is in the page. */
  #reveal(slot: string): HTMLElement | undefined {
    for (const { placed, bands } of this.#columns) {
      const found = placed.find((one) => one.slot.id === slot);
      if (found === undefined) continue;
      const top = found.top * this.#scale;
      const { scrollTop } = this.#scroll;
      const clientHeight = this.#height;
      if (top < scrollTop) this.#scroll.scrollTop = top - 20;
      else if (found.bottom * this.#scale > scrollTop + clientHeight)
        this.#scroll.scrollTop = found.bottom * this.#scale - clientHeight + 20;
      this.#drawVisible();
      return bands.block(slot);
    }
    return undefined;
  }

  #build(days: readonly string[], { locale, zone, now }: GridSetting): void {
    const today = dayKey(now, zone);
    this.#columns = days.map((day) => {
      const { weekday, day: number, month } = dayParts(day, locale);
      const title = h(
        "button",
        { type: "button", class: "week-title", onclick: () => this.#actions.onDay(day) },
        h("span", {}, weekday),
        h("strong", {}, number),
        h("span", { class: "unseen" }, ` ${month}`),
      );
      setData(title, "today", day === today ? "" : undefined);
      const show = { text: texts.week.showDay, onclick: () => this.#actions.onDay(day) };
      const close = { text: texts.week.closeDay, onclick: () => this.#actions.onClose(day) };
      const items = () =>
        this.#actions.mayChange() ? [show, { ...close, isGrave: true }] : [show];
      const more = menuButton("⋯", texts.week.more(`${weekday} ${number}`), items);
      const element = h("div", { class: "week-day" });
      element.dataset.day = day;
      const head = h("div", { class: "week-day-head" }, title, more);
      return { day, title, head, element, bands: new DayBands(element), placed: [], strips: [] };
    });
    this.#head.replaceChildren(
      h("div", { class: "week-gutter" }),
      ...this.#columns.map(({ head }) => head),
    );
    this.#placedFor = "";
  }

  #drawHours(scale: number, isHour12: boolean): void {
    const gutter = h("div", { class: "week-gutter" });
    for (let hour = 1; hour < 24; hour += 1) {
      const label = h(
        "span",
        { class: "week-hour", "aria-hidden": "true" },
        hourText(hour, isHour12),
      );
      label.style.top = `${hour * 60 * scale}px`;
      gutter.append(label);
    }
    this.#body.style.height = `${DAY_MINUTES * scale}px`;
    this.#body.style.setProperty("--hour", `${60 * scale}px`);
    this.#body.replaceChildren(gutter, ...this.#columns.map(({ element }) => element));
  }

  #placeAll(slots: readonly AgendaSlot[], zone: string): void {
    let at = 0;
    for (const column of this.#columns) {
      const midnight = instantOf(`${column.day}T00:00`, zone);
      const noon = Date.parse(`${column.day}T12:00:00Z`);
      const next = instantOf(`${new Date(noon + DAY_MS).toISOString().slice(0, 10)}T00:00`, zone);
      // A day of 24 hours has its minutes from midnight. On the others the clock is asked.
      const minutesOf = (instant: number) => {
        if (next - midnight === DAY_MS) return (instant - midnight) / 60_000;
        const [hours = 0, minutes = 0] = wallClock(instant, zone).split(":").map(Number);
        return 60 * hours + minutes;
      };
      while (at < slots.length && Date.parse(slots[at]?.start ?? "") < midnight) at += 1;
      const first = at;
      while (at < slots.length && Date.parse(slots[at]?.start ?? "") < next) at += 1;
      column.placed = placeDay(slots.slice(first, at), minutesOf);
      column.strips = stripsOf(column.placed);
      const count = column.title.querySelector(".unseen") as Element;
      setText(count, texts.week.times(column.placed.length));
    }
  }

  #drawNow({ zone, now }: GridSetting): void {
    const column = this.#columns.find(({ day }) => day === dayKey(now, zone));
    this.#now.hidden = column === undefined;
    if (column === undefined) return;
    const [hours = 0, minutes = 0] = wallClock(now, zone).split(":").map(Number);
    this.#now.style.top = `${(60 * hours + minutes) * this.#scale}px`;
    if (this.#now.parentElement !== column.element) column.element.append(this.#now);
  }

  /** A phone shows three days of the grid: the chosen one is among them. */
  #scrollToDay(day: string): void {
    const element = this.#columns.find((column) => column.day === day)?.element;
    if (this.#shownDay === day || element === undefined) return;
    this.#shownDay = day;
    const { left, right } = this.element.getBoundingClientRect();
    const at = element.getBoundingClientRect();
    if (at.left < left || at.right > right) this.element.scrollLeft += at.left - left - GUTTER_PX;
  }

  #scrollToFirst(): void {
    const tops = this.#columns.flatMap(({ placed }) => placed.slice(0, 1).map(({ top }) => top));
    const first = Math.max(0, Math.min(...tops, 8 * 60) - LEAD_MINUTES);
    this.#scroll.scrollTop = first * this.#scale;
    this.#drawVisible();
  }

  #plan(): void {
    if (this.#isPlanned) return;
    this.#isPlanned = true;
    requestAnimationFrame(() => {
      this.#isPlanned = false;
      this.#drawVisible();
    });
  }

  /** Puts the whole days onto paper. */
  #print(isPrinting: boolean): void {
    this.#isPrinting = isPrinting;
    this.#drawVisible();
  }

  /** Notes the size of the grid. A first size, or another width of a day, changes what is drawn. */
  #measure(): void {
    const { clientHeight, clientWidth } = this.#scroll;
    // A grid outside of the page has no size.
    if (clientHeight === 0) return;
    const width = (clientWidth - GUTTER_PX) / DAYS;
    const isOther = width !== this.#width;
    [this.#height, this.#width] = [clientHeight, width];
    this.#drawVisible(isOther);
  }

  /** Puts the blocks near the visible part into the page, and takes the others out. */
  #drawVisible(isChanged = false): void {
    const [given, scale] = [this.#setting, this.#scale];
    if (given === undefined || this.#height === 0) return;
    const { scrollTop } = this.#scroll;
    const from = this.#isPrinting ? 0 : (scrollTop - MARGIN_PX) / scale;
    const height = this.#isPrinting ? Number.POSITIVE_INFINITY : this.#height;
    const to = (scrollTop + height + MARGIN_PX) / scale;
    const setting = { ...given, scale, width: this.#width, bookings: this.#bookings, from, to };
    for (const { strips, bands } of this.#columns) bands.draw(strips, setting, isChanged);
    this.#keepTabStop();
  }

  /** One block takes the Tab key; the arrow keys go on from it. */
  #keepTabStop(): void {
    if (this.#stop?.isConnected && this.#stop.tabIndex === 0) return;
    const all = '.block [tabindex="0"]';
    this.#stop = this.#scroll.querySelector<HTMLElement>(`${all}, .block-slot`) ?? undefined;
    this.#stop?.setAttribute("tabindex", "0");
  }

  #onClick(target: HTMLElement): void {
    const chip = target.closest<HTMLElement>(".chip");
    const slot = target.closest<HTMLElement>(".block")?.dataset.slot;
    if (chip?.dataset.booking) this.#actions.onBooking(chip.dataset.booking, chip);
    else if (slot !== undefined) {
      const anchor = target.closest<HTMLElement>(".block-slot") ?? target;
      this.#actions.onSlot(slot, anchor);
    }
  }
}
