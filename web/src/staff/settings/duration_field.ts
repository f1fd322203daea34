/** An amount of time: a number with its unit, or none where the field may be without a limit. */

import { h } from "../../ui/dom";
import { checkbox } from "../../ui/field";
import { texts } from "../texts";

const UNITS = [
  [86_400, "days"],
  [3_600, "hours"],
  [60, "minutes"],
  [1, "seconds"],
] as const;

/** Returns the largest unit in which the seconds are whole. */
export const unitOf = (seconds: number): number =>
  seconds === 0 ? 60 : (UNITS.find(([unit]) => seconds % unit === 0)?.[0] ?? 1);

export interface AmountParts {
  readonly name: string;
  readonly label: string;
  readonly value: number | null;
  /** With a unit of time, else a plain number. */
  readonly isDuration: boolean;
  /** The text of the checkbox for no limit. */
  readonly none?: string | undefined;
  readonly min: number;
}

export class AmountField {
  readonly controls: HTMLElement;
  readonly #amount: HTMLInputElement;
  readonly #unit: HTMLSelectElement;
  readonly #none = h("input", { type: "checkbox" });
  readonly #isDuration: boolean;

  constructor({ name, label, value, isDuration, none, min }: AmountParts) {
    this.#isDuration = isDuration;
    const unit = isDuration ? unitOf(value ?? 0) : 1;
    this.#amount = h("input", { type: "number", name, min, step: 1, "aria-label": label });
    this.#amount.value = value === null ? "" : String(value / unit);
    this.#unit = h(
      "select",
      { "aria-label": texts.settings.unit(label), hidden: !isDuration },
      ...UNITS.map(([seconds, unit]) => h("option", { value: seconds }, texts.settings[unit])),
    );
    this.#unit.value = String(unit);
    this.#none.checked = value === null;
    this.#none.setAttribute("aria-label", texts.settings.without(label, none ?? ""));
    this.#none.addEventListener("change", () => this.#draw());
    this.controls = h(
      "span",
      { class: "amount" },
      this.#amount,
      this.#unit,
      none !== undefined && checkbox(this.#none, none),
    );
    this.#draw();
  }

  /** The seconds or the number; null for no limit. */
  get value(): number | null {
    if (this.#none.checked) return null;
    return this.#amount.valueAsNumber * (this.#isDuration ? Number(this.#unit.value) : 1);
  }

  #draw(): void {
    const isNone = this.#none.checked;
    this.#amount.disabled = isNone;
    this.#unit.disabled = isNone;
    this.#amount.required = !isNone;
  }
}
