/** A month as a grid of days, with the number of free times of each. A day leads to its times. */

import type { Calendar } from "../../client";
import { freeText } from "../board/day_section";
import type { Setting } from "../board/slot_cell";
import { h, setText } from "../../ui/dom";
import { dayKey, dayTitle } from "../../ui/time";
import { dayFrom, monthFrom, readFree, weeksOf } from "./month_days";

export class MonthView {
  readonly element: HTMLElement;
  readonly #calendar: Calendar;
  readonly #setting: () => Setting;
  readonly #go: (day: string) => void;
  readonly #title = h("h2", { class: "month-title", "aria-live": "polite" });
  readonly #grid = h("table", { class: "month-grid" });
  readonly #back: HTMLButtonElement;
  #month = "";
  #free: ReadonlyMap<string, number> = new Map();
  #live: ReadonlyMap<string, number> = new Map();

  constructor(calendar: Calendar, setting: () => Setting, go: (day: string) => void) {
    this.#calendar = calendar;
    this.#setting = setting;
    this.#go = go;
    const { board } = setting().locale.texts;
    const turn = (text: string, label: string, by: number) => {
      const onclick = () => void this.#turn(by);
      return h(
        "button",
        { type: "button", class: "month-turn", "aria-label": label, onclick },
        text,
      );
    };
    this.#back = turn("‹", board.previousMonth, -1);
    this.element = h(
      "section",
      { class: "month", "aria-label": board.month },
      h("header", { class: "month-head" }, this.#back, this.#title, turn("›", board.nextMonth, 1)),
      this.#grid,
    );
    this.#grid.addEventListener("keydown", (event) => this.#onKey(event));
  }

  /** Shows the month of a day. */
  async show(day: string): Promise<void> {
    this.#month = day.slice(0, 7);
    this.#free = new Map();
    this.#draw(day);
    await this.#read();
  }

  /** Takes the live numbers of the days on the board. */
  update(free: ReadonlyMap<string, number>): void {
    this.#live = free;
    for (const button of this.#grid.querySelectorAll("button")) this.#mark(button);
  }

  async #turn(by: number): Promise<void> {
    await this.show(`${monthFrom(this.#month, by)}-01`);
  }

  async #read(): Promise<void> {
    const month = this.#month;
    this.element.setAttribute("aria-busy", "true");
    try {
      const free = await readFree(this.#calendar, month, this.#setting());
      if (month === this.#month) this.#free = free;
    } catch {
      // The days of the board have their numbers; the others get theirs at the next turn.
    }
    if (month !== this.#month) return;
    this.element.removeAttribute("aria-busy");
    this.update(this.#live);
  }

  #draw(focus: string): void {
    const { locale, now, zone } = this.#setting();
    const format = (options: Intl.DateTimeFormatOptions, day: string) =>
      new Intl.DateTimeFormat(locale.language, { timeZone: "UTC", ...options }).format(
        Date.parse(`${day}T12:00:00Z`),
      );
    const today = dayKey(now, zone);
    setText(this.#title, format({ month: "long", year: "numeric" }, `${this.#month}-01`));
    this.#back.disabled = this.#month <= today.slice(0, 7);
    const first = firstWeekday(locale.language);
    const weekdays = Array.from({ length: 7 }, (_, place) =>
      dayFrom("2024-01-01", first - 1 + place),
    );
    const head = weekdays.map((day) =>
      h("th", { scope: "col" }, format({ weekday: "short" }, day)),
    );
    const weeks = weeksOf(this.#month, first);
    const days = weeks.flat().filter((day) => day !== undefined && day >= today);
    const stop = days.includes(focus) ? focus : days[0];
    this.#grid.replaceChildren(
      h("thead", {}, h("tr", {}, ...head)),
      h(
        "tbody",
        {},
        ...weeks.map((week) => h("tr", {}, ...week.map((day) => this.#cell(day, today, stop)))),
      ),
    );
  }

  #cell(day: string | undefined, today: string, stop: string | undefined): HTMLElement {
    if (day === undefined) return h("td");
    const onclick = () => this.#go(day);
    const button = h(
      "button",
      { type: "button", class: "month-day", tabindex: day === stop ? 0 : -1, onclick },
      h("span", { "aria-hidden": "true" }, String(Number(day.slice(8)))),
      h("span", { class: "month-dot", "aria-hidden": "true" }),
      h("span", { class: "unseen" }),
    );
    button.dataset.day = day;
    button.disabled = day < today;
    if (day === today) button.setAttribute("aria-current", "date");
    this.#mark(button);
    return h("td", {}, button);
  }

  #mark(button: HTMLButtonElement): void {
    const { locale, now, zone } = this.#setting();
    const day = button.dataset.day ?? "";
    const free = this.#live.get(day) ?? this.#free.get(day) ?? 0;
    button.dataset.free = String(free);
    const title = dayTitle(day, dayKey(now, zone), locale);
    const text = locale.texts.board.dayLabel(title, freeText(free, locale.texts));
    setText(button.lastElementChild as Element, text);
  }

  #onKey(event: KeyboardEvent): void {
    const { target, key } = event;
    if (!(target instanceof HTMLButtonElement)) return;
    const day = target.dataset.day ?? "";
    const onward = getComputedStyle(target).direction === "rtl" ? -1 : 1;
    const steps: Readonly<Record<string, number>> = {
      ArrowRight: onward,
      ArrowLeft: -onward,
      ArrowDown: 7,
      ArrowUp: -7,
    };
    const by = steps[key];
    const isTurn = key === "PageDown" || key === "PageUp";
    if (by === undefined && !isTurn) return;
    event.preventDefault();
    const wanted =
      by === undefined
        ? `${monthFrom(this.#month, key === "PageDown" ? 1 : -1)}-01`
        : dayFrom(day, by);
    void this.#focus(wanted);
  }

  /** Moves the focus to a day, also of another month; never to one that is over. */
  async #focus(day: string): Promise<void> {
    const { now, zone } = this.#setting();
    const today = dayKey(now, zone);
    const wanted = day < today ? today : day;
    const isRead = wanted.startsWith(this.#month);
    const reading = isRead ? undefined : this.show(wanted);
    for (const button of this.#grid.querySelectorAll("button")) {
      button.tabIndex = button.dataset.day === wanted ? 0 : -1;
      if (button.dataset.day === wanted) button.focus();
    }
    await reading;
  }
}

/** The weekday on which weeks begin, 1 for Monday; Monday where the browser does not know. */
function firstWeekday(language: string): number {
  const locale = new Intl.Locale(language) as Intl.Locale & {
    readonly weekInfo?: { readonly firstDay: number };
    getWeekInfo?(): { readonly firstDay: number };
  };
  return (locale.getWeekInfo?.() ?? locale.weekInfo)?.firstDay ?? 1;
}
