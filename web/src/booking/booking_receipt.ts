/** What a customer takes away: the link to the booking, and its file for a calendar. */

import { h } from "../ui/dom";

export interface ReceiptActions {
  readonly link: string;
  copy(): Promise<void>;
  /** Absent where it is not known when the booking is. */
  save?(): void;
}

export function bookingReceipt({ link, copy, save }: ReceiptActions): HTMLElement {
  const address = h("input", { readonly: true, value: link, spellcheck: "false", name: "link" });
  address.addEventListener("focus", () => address.select());
  const button = (text: string, onclick: () => void) =>
    h("button", { type: "button", class: "button small", onclick }, text);
  return h(
    "div",
    { class: "receipt" },
    h(
      "label",
      { class: "field" },
      h("span", { class: "field-label" }, "Your link to this booking"),
      address,
    ),
    h("p", { class: "receipt-hint" }, "Whoever has it can move or cancel the booking: keep it."),
    h(
      "div",
      { class: "actions" },
      button("Copy link", () => void copy()),
      save !== undefined && button("Add to calendar", save),
    ),
  );
}
