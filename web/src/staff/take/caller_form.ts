/** The fields for a customer: the details of a caller, and their number of places. */

import type { Customer } from "../../client";
import { h } from "../../ui/dom";
import { emailInput, field, numberInput } from "../../ui/field";
import { texts } from "../texts";

const MOST_SEATS = 10_000;

export class CallerForm {
  readonly elements: readonly HTMLElement[];
  readonly #name = h("input", {
    name: "name",
    autocomplete: "off",
    required: true,
    maxlength: 200,
  });
  readonly #email = emailInput("off");
  readonly #phone = h("input", { name: "phone", type: "tel", autocomplete: "off", maxlength: 50 });
  readonly #note = h("textarea", { name: "note", rows: 2, maxlength: 2000 });
  readonly #seats = numberInput({ name: "seats", min: 1, max: MOST_SEATS, value: 1 });

  constructor(customer: Customer | null, seats: number, hasSeats: boolean) {
    this.#name.value = customer?.name ?? "";
    this.#email.value = customer?.email ?? "";
    this.#phone.value = customer?.phone ?? "";
    this.#note.value = customer?.note ?? "";
    this.#seats.value = String(seats);
    const places = field(texts.sheet.places, this.#seats);
    places.hidden = !hasSeats;
    this.elements = [
      field(texts.sheet.name, this.#name),
      h(
        "div",
        { class: "pair even" },
        field(texts.sheet.phone, this.#phone),
        field(texts.sheet.email, this.#email),
      ),
      field(texts.sheet.note, this.#note),
      places,
    ];
  }

  get customer(): Customer {
    const text = (control: HTMLInputElement | HTMLTextAreaElement) => control.value.trim();
    const [email, phone, note] = [text(this.#email), text(this.#phone), text(this.#note)];
    return {
      name: text(this.#name),
      ...(email && { email }),
      ...(phone && { phone }),
      ...(note && { note }),
    };
  }

  get seats(): number {
    return this.#seats.valueAsNumber || 1;
  }

  focus(): void {
    this.#name.focus();
  }
}
