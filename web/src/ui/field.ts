/** Form fields: a control with its label, and shared inputs. */

import { h } from "./dom";

/** Wraps a control in its label. `hint` is smaller and follows the label. */
export const field = (label: string, control: HTMLElement, hint = ""): HTMLElement =>
  h(
    "label",
    { class: "field" },
    h("span", { class: "field-label" }, label, hint !== "" && h("small", {}, ` ${hint}`)),
    control,
  );

export interface NumberProps {
  readonly min: number;
  readonly max: number;
  readonly name?: string;
  readonly value?: number;
}

/** Makes a required input for a whole number. */
export const numberInput = (props: NumberProps): HTMLInputElement =>
  h("input", { type: "number", required: true, inputmode: "numeric", ...props });

/**
 * Makes an input for an e-mail address. A browser's own `type="email"` knows ASCII letters before the @ only, and
 * changes the domain to Punycode. The server checks the syntax.
 */
export const emailInput = (autocomplete: "email" | "off"): HTMLInputElement =>
  h("input", {
    name: "email",
    inputmode: "email",
    autocomplete,
    autocapitalize: "none",
    spellcheck: "false",
    maxlength: 254,
    pattern: '\\s*(?:".*"|[^\\s@]+)@[^\\s@]+\\s*',
  });

/** Makes a checkbox with its text. */
export const checkbox = (control: HTMLInputElement, text: string): HTMLElement =>
  h("label", { class: "only" }, control, text);

/** Makes the line for a form's error. It stays hidden until it has a text. */
export class Problem {
  readonly element = h("p", { class: "problem", role: "alert", hidden: true });

  show(text: string): void {
    if (this.element.textContent !== text) this.element.textContent = text;
    this.element.hidden = text === "";
  }
}
