/** The buttons that choose the shown day: by steps, by date, or by the next booking. */

import { button } from "../../ui/button";
import { type Shown, isDay, stepDay, weekOf } from "./day_range";
import { h, setText } from "../../ui/dom";
import { dayKey, dayTitle, type Locale, nearness } from "../../ui/time";
import { texts } from "../texts";

export interface JumpActions {
  show(shown: Shown): void;
  /** Goes to the next booking, or to the last one before, beyond the shown window. */
  seek(direction: 1 | -1): void;
}

export class DayJump {
  readonly element: HTMLElement;
  readonly #actions: JumpActions;
  readonly #title = h("p", { class: "jump-title unseen", role: "status" });
  readonly #date = h("input", {
    type: "date",
    "aria-label": texts.days.date,
    min: "1970-01-02",
    max: "9999-12-30",
    required: true,
  });
  readonly #coming: HTMLButtonElement;
  readonly #today: HTMLButtonElement;
  readonly #previous: HTMLButtonElement;
  readonly #next: HTMLButtonElement;
  #shown: Shown = {};
  #now_day = "";

  constructor(actions: JumpActions) {
    this.#actions = actions;
    const make = (text: string, label: string, onclick: () => void) =>
      button(text, onclick, { kind: "small", label });
    this.#previous = make("‹", texts.days.previousDay, () => this.step(-1));
    this.#next = make("›", texts.days.nextDay, () => this.step(1));
    this.#today = make(texts.days.today, texts.days.today, () =>
      actions.show({ day: this.#now_day }),
    );
    this.#coming = make(texts.days.coming, texts.days.comingLabel, () => actions.show({}));
    this.#date.addEventListener("change", () => {
      const day = this.#date.value;
      if (isDay(day) && day !== this.#day) actions.show({ day });
    });
    this.element = h(
      "nav",
      { class: "jump", "aria-label": texts.days.nav },
      h(
        "div",
        { class: "jump-days" },
        this.#previous,
        this.#date,
        this.#next,
        this.#today,
        this.#coming,
      ),
      h(
        "div",
        { class: "jump-days" },
        make(texts.days.earlier, texts.days.earlier, () => actions.seek(-1)),
        make(texts.days.later, texts.days.later, () => actions.seek(1)),
      ),
      this.#title,
    );
  }

  draw(shown: Shown, zone: string, now: number, locale: Locale): void {
    this.#shown = shown;
    this.#now_day = dayKey(now, zone);
    const day = this.#day;
    const { previousWeek, nextWeek, previousDay, nextDay } = texts.days;
    setLabel(this.#previous, shown.isWeek ? previousWeek : previousDay);
    setLabel(this.#next, shown.isWeek ? nextWeek : nextDay);
    this.#coming.hidden = shown.isWeek === true;
    // A date that staff are typing stays.
    if (this.#date.value !== day && !this.#date.matches(":focus")) this.#date.value = day;
    const near = nearness(day, this.#now_day, locale.texts);
    const title = dayTitle(day, this.#now_day, locale);
    const dayText = near === "" ? title : `${near} · ${title}`;
    const text = shown.day === undefined ? texts.days.fromToday : dayText;
    setText(this.#title, shown.isWeek ? weekTitle(day, locale) : text);
    // The grid has the days of the month alone; the list has whole dates.
    this.#title.classList.toggle("unseen", !shown.isWeek);
    setPressed(this.#coming, shown.day === undefined);
    setPressed(this.#today, shown.day === this.#now_day);
  }

  get #day(): string {
    return this.#shown.day ?? this.#now_day;
  }

  /** Goes on or back by a day, or by a week where weeks are shown. */
  step(direction: 1 | -1): void {
    const day = stepDay(this.#day, this.#shown.isWeek ? 7 * direction : direction);
    this.#date.value = day;
    this.#actions.show({ day });
  }
}

function setLabel(element: HTMLElement, label: string): void {
  if (element.ariaLabel !== label) element.ariaLabel = label;
}

function setPressed(element: HTMLElement, is: boolean): void {
  element.setAttribute("aria-pressed", String(is));
}

/** Returns the first and the last day of a week: `30 November – 6 December 2026`. */
export function weekTitle(day: string, { language }: Pick<Locale, "language">): string {
  const [first = day, last = day] = [weekOf(day).at(0), weekOf(day).at(-1)];
  const format = new Intl.DateTimeFormat(language, {
    timeZone: "UTC",
    day: "numeric",
    month: "long",
    year: "numeric",
  });
  return format.formatRange(Date.parse(first), Date.parse(last));
}
