/** The receipt of a booking: its link, and its file for a calendar program. */

import { button } from "../ui/button";
import { field } from "../ui/field";
import { h } from "../ui/dom";

export interface ReceiptActions {
  readonly link: string;
  copy(): Promise<void>;
  /** Absent while the booking's times are unknown. */
  save?(): void;
}

export function bookingReceipt({ link, copy, save }: ReceiptActions): HTMLElement {
  const address = h("input", { readonly: true, value: link, spellcheck: "false", name: "link" });
  address.addEventListener("focus", () => address.select());
  return h(
    "div",
    { class: "receipt" },
    field("Your link to this booking", address),
    h("p", { class: "receipt-hint" }, "Whoever has it can move or cancel the booking: keep it."),
    h(
      "div",
      { class: "actions" },
      button("Copy link", () => void copy(), { kind: "small" }),
      save !== undefined && button("Add to calendar", save, { kind: "small" }),
    ),
  );
}
