/** The receipt of a booking: what happens next, its link, and its ways into other calendars. */

import { button } from "../../ui/button";
import { field } from "../../ui/field";
import type { Catalog } from "../../language/english";
import { h } from "../../ui/dom";
import { type Appointment, googleLink, outlookLink } from "./calendar_links";

export interface ReceiptActions {
  readonly link: string;
  readonly isPending: boolean;
  copy(): Promise<void>;
  /** Absent while the booking's times are unknown. */
  save?(): void;
  readonly appointment?: Appointment;
}

export function bookingReceipt(
  { receipt }: Catalog,
  { link, isPending, copy, save, appointment }: ReceiptActions,
): HTMLElement {
  const address = h("input", { readonly: true, value: link, spellcheck: "false", name: "link" });
  address.addEventListener("focus", () => address.select());
  const away = (text: string, href: string) =>
    h("a", { class: "button small", href, target: "_blank", rel: "noopener noreferrer" }, text);
  return h(
    "div",
    { class: "receipt" },
    h("h3", { class: "receipt-title" }, receipt.next),
    h("p", { class: "receipt-hint" }, isPending ? receipt.nextPending : receipt.nextConfirmed),
    field(receipt.link, address),
    h("p", { class: "receipt-hint" }, receipt.hint),
    h(
      "div",
      { class: "actions" },
      button(receipt.copy, () => void copy(), { kind: "small" }),
      save !== undefined && button(receipt.save, save, { kind: "small" }),
      appointment !== undefined && away(receipt.google, googleLink(appointment)),
      appointment !== undefined && away(receipt.outlook, outlookLink(appointment)),
    ),
  );
}
