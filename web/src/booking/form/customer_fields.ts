/** The fields of the form about the customer: name, e-mail address, phone number, the calendar's
 * own questions, and a note. */

import type { Customer, Policy, Question } from "../../client";
import type { Catalog } from "../../language/english";
import { h } from "../../ui/dom";
import { emailInput, field } from "../../ui/field";
import type { Draft } from "./draft";

const ANSWER_CHARACTERS = 1_000;

/** What a booking says about its customer. */
export interface Said {
  readonly customer: Customer;
  readonly data?: { readonly answers: Readonly<Record<string, string>> };
}

/** A field that needs another text. */
export interface Lack {
  readonly text: string;
  readonly control: HTMLElement;
}

type Answer = HTMLInputElement | HTMLSelectElement;

export class CustomerFields {
  readonly element = h("div", { class: "fields" });
  readonly #texts: Catalog["form"];
  readonly #badEmail: string;
  readonly #name = h("input", {
    name: "name",
    autocomplete: "name",
    required: true,
    maxlength: 200,
  });
  readonly #email = emailInput("email");
  readonly #phone = h("input", { name: "phone", type: "tel", autocomplete: "tel", maxlength: 40 });
  readonly #note = h("textarea", { name: "note", rows: 2, maxlength: 2000 });
  readonly #answers = new Map<string, Answer>();
  #questions: readonly Question[] = [];
  #drawn = "";

  constructor({ form, fields }: Catalog) {
    this.#texts = form;
    this.#badEmail = fields["customer.email"];
  }

  /** Draws the fields that the calendar asks for. Texts that are in them stay. */
  draw(policy: Policy | undefined): void {
    const { phone = "off", questions = [], verification } = policy ?? {};
    const drawn = JSON.stringify([phone, questions, verification]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    const before = this.draft.answers;
    this.#questions = questions;
    this.#answers.clear();
    this.#phone.required = phone === "required";
    this.#email.required = verification === "email";
    const { name, email, note, optional } = this.#texts;
    this.element.replaceChildren(
      field(name, this.#name),
      field(email, this.#email, this.#email.required ? "" : optional),
      ...(phone === "off"
        ? []
        : [field(this.#texts.phone, this.#phone, phone === "required" ? "" : optional)]),
      ...questions.map((question) => this.#ask(question)),
      field(note, this.#note, optional),
    );
    this.#answer(before);
  }

  #ask(question: Question): HTMLElement {
    const { label, required, choices } = question;
    const control =
      choices.length === 0
        ? h("input", { maxlength: ANSWER_CHARACTERS })
        : h(
            "select",
            {},
            h("option", { value: "" }, this.#texts.choose),
            ...choices.map((choice) => h("option", { value: choice }, choice)),
          );
    control.name = "answer";
    control.required = required;
    this.#answers.set(label, control);
    return field(label, control, required ? "" : this.#texts.optional);
  }

  focus(): void {
    this.#name.focus();
  }

  /** Returns the customer and the answers, or the first field that lacks something. */
  read(): Said | Lack {
    const { name, email, phone, note, answers } = this.draft;
    if (name === "") return { text: this.#texts.nameMissing, control: this.#name };
    if (!this.#email.validity.valid) return { text: this.#badEmail, control: this.#email };
    if (phone === "" && this.#phone.required && this.#phone.isConnected) {
      return { text: this.#texts.phoneMissing, control: this.#phone };
    }
    for (const { label, required } of this.#questions) {
      const control = this.#answers.get(label);
      if (required && control !== undefined && (answers[label] ?? "") === "") {
        return { text: this.#texts.answerMissing(label), control };
      }
    }
    const customer = {
      name,
      ...(email && { email }),
      ...(phone && this.#phone.isConnected && { phone }),
      ...(note && { note }),
    };
    const given = Object.entries(answers).filter(([, answer]) => answer !== "");
    if (given.length === 0) return { customer };
    return { customer, data: { answers: Object.fromEntries(given) } };
  }

  get draft(): Draft {
    const answers = [...this.#answers].map(([label, { value }]) => [label, value.trim()] as const);
    return {
      name: this.#name.value.trim(),
      email: this.#email.value.trim(),
      phone: this.#phone.value.trim(),
      note: this.#note.value.trim(),
      answers: Object.fromEntries(answers),
    };
  }

  fill({ name, email, phone, note, answers }: Partial<Draft>): void {
    this.#name.value = name ?? "";
    this.#email.value = email ?? "";
    this.#phone.value = phone ?? "";
    this.#note.value = note ?? "";
    this.#answer(answers ?? {});
  }

  /** Another booking has its own note and answers. */
  clear(): void {
    this.#note.value = "";
    for (const control of this.#answers.values()) control.value = "";
  }

  #answer(answers: Draft["answers"]): void {
    for (const [label, control] of this.#answers) control.value = answers[label] ?? "";
  }
}
