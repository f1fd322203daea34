/** The form with which staff open times. It shows what it will open before it does. */

import { adviceFor } from "../ui/advice";
import { h, setText } from "../ui/dom";
import { type Opening, slotsOf } from "./opening";
import { dayKey, type Locale, timeText } from "../ui/time";

const number = (name: string, value: number, max: number): HTMLInputElement =>
  h("input", { type: "number", name, value, min: 1, max, required: true, inputmode: "numeric" });

export class OpenForm {
  readonly element: HTMLFormElement;
  readonly #date = h("input", { type: "date", name: "date", required: true });
  readonly #time = h("input", { type: "time", name: "time", value: "09:00", required: true });
  readonly #minutes = number("minutes", 45, 1_440);
  readonly #count = number("count", 8, 100);
  readonly #capacity = number("capacity", 1, 10_000);
  readonly #days = number("days", 1, 60);
  readonly #weekends = h("input", { type: "checkbox", name: "weekends", checked: true });
  readonly #preview = h("p", { class: "preview", "aria-live": "polite" });
  readonly #problem = h("p", { class: "problem", role: "alert", hidden: true });
  readonly #submit = h("button", { type: "submit", class: "button primary wide" }, "Open");
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
      h("div", { class: "when" }, field("Day", this.#date), field("From", this.#time)),
      h(
        "div",
        { class: "pair" },
        field("Minutes each", this.#minutes),
        field("In a row", this.#count),
      ),
      h("div", { class: "pair" }, field("Places each", this.#capacity), field("Days", this.#days)),
      h("label", { class: "only" }, this.#weekends, "Not on Saturday and Sunday"),
      this.#preview,
      this.#problem,
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
    const times = slots.length === 1 ? "1 time" : `${slots.length} times`;
    setText(this.#preview, `${times}, ${at(slots[0]?.start)} – ${at(last.end)}, ${this.#zone}`);
    setText(this.#submit, `Open ${times}`);
  }

  async #onSubmit(): Promise<void> {
    this.#submit.disabled = true;
    this.#problem.hidden = true;
    try {
      await this.#open(this.#opening());
    } catch (error) {
      setText(this.#problem, adviceFor(error));
      this.#problem.hidden = false;
    } finally {
      this.#submit.disabled = false;
    }
  }
}

const field = (label: string, control: HTMLElement): HTMLElement =>
  h("label", { class: "field" }, h("span", { class: "field-label" }, label), control);
