/** The days in a row, with a mark on days with free slots. A click scrolls to the day. */

import { type DaySummary, freeText } from "./day_section";
import type { Catalog } from "../../language/english";
import { h, setText } from "../../ui/dom";
import { dayParts, dayTitle, type Locale } from "../../ui/time";

interface Tab {
  readonly element: HTMLButtonElement;
  /** The whole name of the day, read out in place of the parts. */
  readonly label: HTMLElement;
  readonly weekday: HTMLElement;
  readonly day: HTMLElement;
  readonly month: HTMLElement;
  /** The parts of the last draw that may differ in the next one. */
  look: string;
}

export class DayStrip {
  readonly element: HTMLElement;
  readonly #tabs = new Map<string, Tab>();
  readonly #go: (key: string) => void;

  constructor({ board }: Catalog, go: (key: string) => void) {
    this.element = h("nav", { class: "strip", part: "days", "aria-label": board.days });
    this.#go = go;
  }

  draw(days: readonly DaySummary[], today: string, locale: Locale): void {
    let month = "";
    for (const [index, day] of days.entries()) {
      const tab = this.#tabs.get(day.key) ?? this.#add(day.key);
      const isFirst = day.key.slice(0, 7) !== month;
      month = day.key.slice(0, 7);
      const look = [day.free, day.all, today, isFirst].join();
      if (tab.look !== look) drawTab(tab, day, today, isFirst, locale);
      tab.look = look;
      if (this.element.children[index] !== tab.element) {
        this.element.insertBefore(tab.element, this.element.children[index] ?? null);
      }
    }
    const wanted = new Set(days.map((day) => day.key));
    for (const [key, tab] of this.#tabs) {
      if (wanted.has(key)) continue;
      tab.element.remove();
      this.#tabs.delete(key);
    }
    this.element.hidden = days.length < 2;
  }

  /** Marks the day in view. */
  mark(key: string): void {
    for (const [other, { element }] of this.#tabs) {
      if (other === key) element.setAttribute("aria-current", "true");
      else element.removeAttribute("aria-current");
    }
    const tab = this.#tabs.get(key)?.element;
    if (tab === undefined) return;
    const [strip, there] = [this.element, tab].map((one) => one.getBoundingClientRect());
    if (strip === undefined || there === undefined) return;
    const by = there.left + there.width / 2 - (strip.left + strip.width / 2);
    this.element.scrollBy({ left: by });
  }

  #add(key: string): Tab {
    const part = (name: string) => h("span", { class: name, "aria-hidden": "true" });
    const [weekday, day, month] = [part("strip-weekday"), part("strip-day"), part("strip-month")];
    const label = h("span", { class: "unseen" });
    const onclick = () => this.#go(key);
    const element = h(
      "button",
      { type: "button", class: "strip-tab", onclick },
      month,
      weekday,
      day,
      part("strip-bar"),
      label,
    );
    const tab = { element, label, weekday, day, month, look: "" };
    this.#tabs.set(key, tab);
    return tab;
  }
}

function drawTab(
  { element, label, weekday, day, month }: Tab,
  { key, free, all }: DaySummary,
  today: string,
  isFirst: boolean,
  locale: Locale,
): void {
  const { texts } = locale;
  const parts = dayParts(key, locale);
  setText(weekday, key === today ? texts.time.today : parts.weekday);
  setText(day, parts.day);
  setText(month, isFirst ? parts.month : "");
  element.dataset.free = String(free);
  element.style.setProperty("--share", (free / Math.max(1, all)).toFixed(3));
  setText(label, texts.board.dayLabel(dayTitle(key, today, locale), freeText(free, texts)));
}
