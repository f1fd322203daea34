/** The form for opening slots. It shows a preview first. */

import { button } from "../../ui/button";
import { checkbox, field, numberInput, Problem } from "../../ui/field";
import { h, setText } from "../../ui/dom";
import { type Opening, slotsOf } from "./opening";
import { dayKey, type Locale, timeText } from "../../ui/time";
import { adviceFor, texts } from "../texts";

export class OpenForm {
  readonly element: HTMLFormElement;
  readonly #date = h("input", { type: "date", name: "date", required: true });
  readonly #time = h("input", { type: "time", name: "time", value: "09:00", required: true });
  readonly #minutes = numberInput({ name: "minutes", value: 45, min: 1, max: 1_440 });
  readonly #count = numberInput({ name: "count", value: 8, min: 1, max: 100 });
  readonly #capacity = numberInput({ name: "capacity", value: 1, min: 1, max: 10_000 });
  readonly #days = numberInput({ name: "days", value: 1, min: 1, max: 60 });
  readonly #weekends = h("input", { type: "checkbox", name: "weekends", checked: true });
  readonly #preview = h("p", { class: "preview", "aria-live": "polite" });
  readonly #problem = new Problem();
  readonly #submit = button(texts.opening.open, undefined, {
    type: "submit",
    kind: "primary wide",
  });
  readonly #open: (opening: Opening) => Promise<void>;
  #zone = "UTC";
  #locale: Locale | undefined;

  constructor(open: (opening: Opening) => Promise<void>) {
    this.#open = open;
    this.element = h(
      "form",
      {
        class: "form",
        onsubmit: (event) => {
          event.preventDefault();
          void this.#onSubmit();
        },
        oninput: () => this.#show(),
      },
      h(
        "div",
        { class: "when" },
        field(texts.sheet.day, this.#date),
        field(texts.sheet.from, this.#time),
      ),
      h(
        "div",
        { class: "pair" },
        field(texts.sheet.minutesEach, this.#minutes),
        field(texts.opening.inARow, this.#count),
      ),
      h(
        "div",
        { class: "pair" },
        field(texts.sheet.placesEach, this.#capacity),
        field(texts.opening.days, this.#days),
      ),
      checkbox(this.#weekends, texts.opening.noWeekends),
      this.#preview,
      this.#problem.element,
      this.#submit,
    );
  }

  draw(zone: string, locale: Locale, now: number): void {
    if (zone === this.#zone && this.#date.value !== "") return;
    this.#zone = zone;
    this.#locale = locale;
    if (this.#date.value === "") this.#date.value = dayKey(now + 86_400_000, zone);
    this.#show();
  }

  #opening(): Opening {
    return {
      date: this.#date.value,
      time: this.#time.value,
      minutes: this.#minutes.valueAsNumber,
      count: this.#count.valueAsNumber,
      capacity: this.#capacity.valueAsNumber,
      days: this.#days.valueAsNumber,
      isWithoutWeekends: this.#weekends.checked && this.#days.valueAsNumber > 1,
    };
  }

  #show(): void {
    if (!this.element.checkValidity() || this.#locale === undefined) {
      setText(this.#preview, "");
      return;
    }
    const opening = this.#opening();
    const slots = slotsOf(opening, this.#zone);
    const at = (text: string | undefined) =>
      timeText(Date.parse(text ?? ""), this.#zone, this.#locale as Locale);
    const last = slots[opening.count - 1];
    if (slots.length === 0 || last === undefined) return;
    const times = texts.sheet.times(slots.length);
    setText(this.#preview, `${times}, ${at(slots[0]?.start)} – ${at(last.end)}, ${this.#zone}`);
    setText(this.#submit, texts.opening.openTimes(slots.length));
  }

  async #onSubmit(): Promise<void> {
    this.#submit.disabled = true;
    this.#problem.show("");
    try {
      await this.#open(this.#opening());
    } catch (error) {
      this.#problem.show(adviceFor(error));
    } finally {
      this.#submit.disabled = false;
    }
  }
}
