/** `<slotcast-calendar url="https://book.example.org" calendar="demo">` on any page.
 *
 * One script without inline code, so it fits a strict Content-Security-Policy. Its styles stay
 * apart from the page's. Without `url` it uses the server of the script. The `token` attribute is
 * for private calendars. */

import { connect, type SlotcastClient } from "../client";
import tokens from "../style/tokens.css?inline";
import base from "../style/base.css?inline";
import layout from "../style/layout.css?inline";
import control from "../ui/control.css?inline";
import statusPill from "../ui/feedback/status_pill.css?inline";
import dialog from "../ui/dialog/dialog.css?inline";
import toast from "../ui/feedback/toast.css?inline";
import booking from "../booking/booking.css?inline";
import bookingForm from "../booking/booking_form.css?inline";
import board from "../booking/board/board.css?inline";
import slot from "../booking/board/slot.css?inline";
import ownPanel from "../booking/own/own_panel.css?inline";
import { BookingView } from "../booking/booking_view";
import { h } from "../ui/dom";

/** A module has no currentScript, so its name finds it. */
const script =
  document.currentScript ?? document.querySelector('script[src$="/slotcast-calendar.js"]');
const home = script instanceof HTMLScriptElement ? new URL(script.src).origin : location.origin;

/** The element is a card of its own, with its toasts inside. */
const HOST = `
  :host {
    display: block;
    padding: var(--space-20);
    border-radius: var(--radius-lg);
    background: var(--paper);
  }
  .toasts { position: sticky; }
`;
/** Shown to the author of a page until the element has its calendar. */
const UNNAMED = {
  title: "No calendar is named",
  text: 'Give <slotcast-calendar> the id of a calendar: calendar="demo".',
};
const SHEETS = [
  tokens,
  base,
  layout,
  control,
  statusPill,
  dialog,
  toast,
  booking,
  bookingForm,
  board,
  slot,
  ownPanel,
  HOST,
];

function styles(): CSSStyleSheet {
  const made = new CSSStyleSheet();
  made.replaceSync(SHEETS.join(""));
  return made;
}

let shared: CSSStyleSheet | undefined;

export class SlotcastCalendar extends HTMLElement {
  static readonly observedAttributes = ["url", "calendar", "token"];
  #isReady = false;
  #client: SlotcastClient | undefined;
  #view: BookingView | undefined;

  connectedCallback(): void {
    this.#isReady = true;
    this.#open();
  }

  disconnectedCallback(): void {
    this.#isReady = false;
    this.#close();
  }

  attributeChangedCallback(_name: string, before: string | null, after: string | null): void {
    if (before === after || !this.#isReady) return;
    this.#close();
    this.#open();
  }

  #open(): void {
    const calendar = this.getAttribute("calendar");
    shared ??= styles();
    const shadow = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    shadow.adoptedStyleSheets = [shared];
    const root = document.createElement("div");
    shadow.replaceChildren(root);
    if (!calendar) {
      root.append(
        h("div", { class: "blank" }, h("h2", {}, UNNAMED.title), h("p", {}, UNNAMED.text)),
      );
      return;
    }
    const token = this.getAttribute("token");
    const url = this.getAttribute("url") ?? home;
    this.#client = connect(url, token === null ? {} : { token });
    this.#view = new BookingView(this.#client, calendar, { root, stateRoot: this, home: url });
  }

  #close(): void {
    this.#view?.close();
    this.#client?.close();
    this.#view = undefined;
    this.#client = undefined;
  }
}

if (!customElements.get("slotcast-calendar")) {
  customElements.define("slotcast-calendar", SlotcastCalendar);
}
