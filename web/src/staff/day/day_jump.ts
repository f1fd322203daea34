/** The buttons that choose the shown day: by steps, by date, or by the next booking. */

import { button } from "../../ui/button";
import { type Shown, isDay, stepDay } from "./day_range";
import { h, setText } from "../../ui/dom";
import { dayKey, dayTitle, type Locale, nearness } from "../../ui/time";

export interface JumpActions {
  show(shown: Shown): void;
  /** Goes to the next booking, or to the last one before, beyond the shown window. */
  seek(direction: 1 | -1): void;
}

export class DayJump {
  readonly element: HTMLElement;
  readonly #actions: JumpActions;
  readonly #title = h("p", { class: "unseen", role: "status" });
  readonly #date = h("input", {
    type: "date",
    "aria-label": "Go to date",
    min: "1970-01-02",
    max: "9999-12-30",
    required: true,
  });
  readonly #coming: HTMLButtonElement;
  readonly #today: HTMLButtonElement;
  #shown: Shown = {};
  #now_day = "";

  constructor(actions: JumpActions) {
    this.#actions = actions;
    const make = (text: string, label: string, onclick: () => void) =>
      button(text, onclick, { kind: "small", label });
    this.#today = make("Today", "Today", () => actions.show({ day: this.#now_day }));
    this.#coming = make("Coming", "All coming days", () => actions.show({}));
    this.#date.addEventListener("change", () => {
      const day = this.#date.value;
      if (isDay(day) && day !== this.#day) actions.show({ day });
    });
    this.element = h(
      "nav",
      { class: "jump", "aria-label": "Days" },
      h(
        "div",
        { class: "jump-days" },
        make("‹", "Previous day", () => this.#step(-1)),
        this.#date,
        make("›", "Next day", () => this.#step(1)),
        this.#today,
        this.#coming,
      ),
      h(
        "div",
        { class: "jump-days" },
        make("Earlier booking", "Earlier booking", () => actions.seek(-1)),
        make("Later booking", "Later booking", () => actions.seek(1)),
      ),
      this.#title,
    );
  }

  draw(shown: Shown, zone: string, now: number, locale: Locale): void {
    this.#shown = shown;
    this.#now_day = dayKey(now, zone);
    const day = this.#day;
    // A date that staff are typing stays.
    if (this.#date.value !== day && !this.#date.matches(":focus")) this.#date.value = day;
    const near = nearness(day, this.#now_day);
    const title = dayTitle(day, this.#now_day, locale);
    setText(
      this.#title,
      shown.day === undefined ? "From today on" : near === "" ? title : `${near} · ${title}`,
    );
    setPressed(this.#coming, shown.day === undefined);
    setPressed(this.#today, shown.day === this.#now_day);
  }

  get #day(): string {
    return this.#shown.day ?? this.#now_day;
  }

  #step(days: number): void {
    const day = stepDay(this.#day, days);
    this.#date.value = day;
    this.#actions.show({ day });
  }
}

function setPressed(element: HTMLElement, is: boolean): void {
  element.setAttribute("aria-pressed", String(is));
}
