/** Buttons. The kind chooses the style: `primary`, `grave`, `quiet`, `small`, `wide`. */

import { h } from "./dom";

export interface ButtonProps {
  /** Classes beside `button`, with spaces between. */
  readonly kind?: string;
  /** The accessible name, where it differs from the text. */
  readonly label?: string;
  readonly type?: "button" | "submit";
  readonly isAutofocused?: boolean;
}

/** Makes a button. Without `onclick` the caller adds a listener, or the form handles the submit. */
export function button(
  text: string,
  onclick?: () => void,
  { kind = "", label, type = "button", isAutofocused = false }: ButtonProps = {},
): HTMLButtonElement {
  const classes = kind === "" ? "button" : `button ${kind}`;
  return h(
    "button",
    { type, class: classes, "aria-label": label, autofocus: isAutofocused, onclick },
    text,
  );
}
