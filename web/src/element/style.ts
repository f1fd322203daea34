/** The styles of the element, apart from those of the page. */

import tokens from "../style/tokens.css?inline";
import base from "../style/base.css?inline";
import layout from "../style/layout.css?inline";
import control from "../ui/control.css?inline";
import statusPill from "../ui/feedback/status_pill.css?inline";
import dialog from "../ui/dialog/dialog.css?inline";
import toast from "../ui/feedback/toast.css?inline";
import booking from "../booking/booking.css?inline";
import bookingForm from "../booking/form/booking_form.css?inline";
import month from "../booking/month/month.css?inline";
import board from "../booking/board/board.css?inline";
import slot from "../booking/board/slot.css?inline";
import ownPanel from "../booking/own/own_panel.css?inline";
import element from "./element.css?inline";

/** Makes the two sets of colours choosable: `theme="dark"` on a light device, and the reverse. */
export function themesOf(css: string): string {
  const dark = /@media[^{]*prefers-color-scheme: ?dark[^{]*\{[^{]*\{([^}]*)\}/.exec(css)?.[1];
  const light = /:host\s*\{([^}]*)\}/.exec(css)?.[1];
  const theme = (name: string, body = "") =>
    `:host([theme="${name}"]){${body};color-scheme:${name}}`;
  return theme("dark", dark) + theme("light", light);
}

const SHEETS = [tokens, base, layout, control, statusPill, dialog, toast, booking, bookingForm];
const OWN = [month, board, slot, ownPanel, element, themesOf(tokens)];

let shared: CSSStyleSheet | undefined;

export function elementStyle(): CSSStyleSheet {
  if (shared === undefined) {
    shared = new CSSStyleSheet();
    shared.replaceSync([...SHEETS, ...OWN].join(""));
  }
  return shared;
}
