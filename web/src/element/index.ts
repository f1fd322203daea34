/** `<slotcast-calendar url="https://book.example.org" calendar="demo">` on any page.
 *
 * One script, no styles leak in or out, and nothing inline, so that it keeps to a strict
 * Content-Security-Policy. Without `url` it asks the server that the script came from. The
 * `token` attribute is for private calendars. */

import { connect, type SlotcastClient } from "../client";
import base from "../style/base.css?inline";
import booking from "../style/booking.css?inline";
import sheet from "../style/sheet.css?inline";
import { BookingView } from "../booking/booking_view";

/** A module has no currentScript; then it is found by its name. */
const script =
  document.currentScript ?? document.querySelector('script[src$="/slotcast-calendar.js"]');
const home = script instanceof HTMLScriptElement ? new URL(script.src).origin : location.origin;

function styles(): CSSStyleSheet {
  const made = new CSSStyleSheet();
  made.replaceSync(
    `${base}${booking}${sheet}:host{display:block;padding:20px;border-radius:18px;background:var(--paper)}.toasts{position:sticky}`,
  );
  return made;
}

let shared: CSSStyleSheet | undefined;

export class SlotcastCalendar extends HTMLElement {
  static readonly observedAttributes = ["url", "calendar", "token"];
  #client: SlotcastClient | undefined;
  #view: BookingView | undefined;

  connectedCallback(): void {
    this.#open();
  }

  disconnectedCallback(): void {
    this.#close();
  }

  attributeChangedCallback(_name: string, before: string | null, after: string | null): void {
    if (before === after || !this.isConnected || this.#client === undefined) return;
    this.#close();
    this.#open();
  }

  #open(): void {
    const calendar = this.getAttribute("calendar");
    if (calendar === null || calendar === "") return;
    shared ??= styles();
    const shadow = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    shadow.adoptedStyleSheets = [shared];
    const root = document.createElement("div");
    shadow.replaceChildren(root);
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
