/** The days in a row, with a mark on days with free slots. A click scrolls to the day. */

import type { DaySummary } from "./board";
import { h, setText } from "../../ui/dom";
import { dayParts, dayTitle, type Locale } from "../../ui/time";

interface Tab {
  readonly element: HTMLButtonElement;
  readonly weekday: HTMLElement;
  readonly day: HTMLElement;
  readonly month: HTMLElement;
}

export class DayStrip {
  readonly element = h("nav", { class: "strip", "aria-label": "Days" });
  readonly #tabs = new Map<string, Tab>();
  readonly #go: (key: string) => void;

  constructor(go: (key: string) => void) {
    this.#go = go;
  }

  draw(days: readonly DaySummary[], today: string, locale: Locale): void {
    let month = "";
    for (const [index, day] of days.entries()) {
      const tab = this.#tabs.get(day.key) ?? this.#add(day.key);
      const parts = dayParts(day.key, locale);
      setText(tab.weekday, day.key === today ? "Today" : parts.weekday);
      setText(tab.day, parts.day);
      setText(tab.month, parts.month === month ? "" : parts.month);
      month = parts.month;
      tab.element.dataset.free = String(day.free);
      tab.element.style.setProperty("--share", (day.free / Math.max(1, day.all)).toFixed(3));
      const free = day.free === 0 ? "nothing free" : `${day.free} free`;
      tab.element.setAttribute("aria-label", `${dayTitle(day.key, today, locale)}, ${free}`);
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
    const room = this.element.clientWidth - tab.offsetWidth;
    this.element.scrollTo({ left: tab.offsetLeft - this.element.offsetLeft - room / 2 });
  }

  #add(key: string): Tab {
    const weekday = h("span", { class: "strip-weekday" });
    const day = h("span", { class: "strip-day" });
    const month = h("span", { class: "strip-month" });
    const bar = h("span", { class: "strip-bar", "aria-hidden": "true" });
    const onclick = () => this.#go(key);
    const element = h(
      "button",
      { type: "button", class: "strip-tab", onclick },
      month,
      weekday,
      day,
      bar,
    );
    const tab = { element, weekday, day, month };
    this.#tabs.set(key, tab);
    return tab;
  }
}
