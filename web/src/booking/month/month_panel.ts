/** The button of the month view, and the view's place. The view loads when it is first opened. */

import type { Calendar } from "../../client";
import type { DaySummary } from "../board/day_section";
import type { Setting } from "../board/slot_cell";
import { button } from "../../ui/button";
import { h } from "../../ui/dom";
import { dayKey } from "../../ui/time";
import type { MonthView } from "./month_view";

export class MonthPanel {
  readonly button: HTMLButtonElement;
  readonly element = h("div", { class: "month-place", hidden: true });
  readonly #make: () => Promise<MonthView>;
  readonly #setting: () => Setting;
  #view: MonthView | undefined;
  #days: readonly DaySummary[] = [];

  constructor(calendar: Calendar, setting: () => Setting, go: (day: string) => void) {
    this.#setting = setting;
    const { board } = setting().locale.texts;
    this.button = button(board.month, () => void this.#toggle(), { kind: "small" });
    this.button.setAttribute("aria-expanded", "false");
    this.#make = async () => {
      const { MonthView } = await import("./month_view");
      return new MonthView(calendar, setting, (day) => {
        this.#show(false);
        go(day);
      });
    };
    this.element.addEventListener("keydown", ({ key }) => {
      if (key !== "Escape") return;
      this.#show(false);
      this.button.focus();
    });
  }

  /** Takes the days of the board. */
  draw(days: readonly DaySummary[]): void {
    this.#days = days;
    if (!this.element.hidden) this.#update();
  }

  async #toggle(): Promise<void> {
    if (!this.element.hidden) return this.#show(false);
    try {
      this.#view ??= await this.#make();
    } catch {
      // Without a server the view cannot load. The next click tries again.
      return;
    }
    this.element.replaceChildren(this.#view.element);
    this.#show(true);
    const { now, zone } = this.#setting();
    void this.#view.show(this.#days[0]?.key ?? dayKey(now, zone));
    this.#update();
    this.element.querySelector<HTMLElement>('[tabindex="0"]')?.focus();
  }

  #show(is: boolean): void {
    this.element.hidden = !is;
    this.button.setAttribute("aria-expanded", String(is));
  }

  #update(): void {
    this.#view?.update(new Map(this.#days.map(({ key, free }) => [key, free])));
  }
}
