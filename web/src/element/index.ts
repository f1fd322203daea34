/** `<slotcast-calendar calendar="demo">` on any page; docs/element.md lists its attributes, events,
 * methods and parts.
 *
 * One script without inline code, so it fits a strict Content-Security-Policy. Its styles stay
 * apart from the page's. Without `server` it uses the server of the script. */

import { button } from "../ui/button";
import { type BookingWishes, BookingView } from "../booking/booking_view";
import type { Customer } from "../client";
import { type LanguageChunks, type Locale, loadLocale } from "../language/language";
import { h, icon } from "../ui/dom";
import { type ElementEvent, errorEvent, eventOf, stateEvent } from "./element_event";
import { homeOfScript } from "./script";
import { leaseClient, type Lease } from "./shared_client";
import { elementStyle } from "./style";

const home = homeOfScript();
const CUSTOMER = ["name", "email", "phone", "note"] as const;
const PREFILLS = CUSTOMER.map((field) => `customer-${field}`);
const REOPENING = ["server", "url", "calendar", "token", "lang", "zone", "mode"];

/** The files of the languages on the server, made by the build of the pages. */
declare const LANGUAGE_FILES: Readonly<Record<keyof LanguageChunks, string>>;

/** A classic script of another origin has no base for relative imports. */
const load = (name: keyof LanguageChunks) =>
  import(/* @vite-ignore */ `${home}/assets/${LANGUAGE_FILES[name]}`);
const chunks: LanguageChunks = {
  german: () => load("german"),
  french: () => load("french"),
  spanish: () => load("spanish"),
  pseudo: () => load("pseudo"),
};

export class SlotcastCalendar extends HTMLElement {
  static readonly observedAttributes = [...REOPENING, "day", ...PREFILLS];
  #isReady = false;
  #lease: Lease | undefined;
  #view: BookingView | undefined;
  #popup: HTMLDialogElement | undefined;
  #stops: (() => void)[] = [];

  connectedCallback(): void {
    this.#isReady = true;
    void this.#begin();
  }

  disconnectedCallback(): void {
    this.#isReady = false;
    this.#end();
  }

  attributeChangedCallback(name: string, before: string | null, after: string | null): void {
    if (before === after || !this.#isReady) return;
    if (name === "day") this.goTo(after ?? "");
    else if (PREFILLS.includes(name)) this.#view?.prefill(this.#customer);
    else {
      this.#end();
      void this.#begin();
    }
  }

  /** Opens the popup, or brings the element into view. */
  open(): void {
    if (this.#popup === undefined) this.scrollIntoView({ block: "start" });
    else if (!this.#popup.open) this.#popup.showModal();
  }

  /** Shows a day, as `2027-01-31`. */
  goTo(day: string): void {
    this.#view?.goTo(day);
  }

  get #customer(): Partial<Customer> {
    const given = CUSTOMER.map((field) => [field, this.getAttribute(`customer-${field}`)] as const);
    return Object.fromEntries(given.filter(([, value]) => value !== null));
  }

  async #begin(): Promise<void> {
    const calendar = this.getAttribute("calendar");
    const shadow = this.shadowRoot ?? this.attachShadow({ mode: "open" });
    shadow.adoptedStyleSheets = [elementStyle()];
    const root = document.createElement("div");
    const server = this.getAttribute("server") || this.getAttribute("url") || home;
    const token = this.getAttribute("token") ?? undefined;
    const lease = calendar ? leaseClient(server, calendar, token) : undefined;
    this.#lease = lease;
    lease?.client.calendar(calendar as string);
    const isPopup = this.getAttribute("mode") === "popup";
    if (!isPopup) shadow.replaceChildren(root);
    const locale = await loadLocale(chunks, this.getAttribute("lang") ?? "");
    // The element was closed or opened anew meanwhile.
    if (lease !== this.#lease || !this.#isReady) return;
    root.lang = locale.language;
    root.dir = locale.direction;
    if (isPopup) shadow.replaceChildren(...this.#popUp(root, locale));
    if (lease === undefined || !calendar) {
      const { unnamed, unnamedText } = locale.texts.page;
      root.append(h("div", { class: "blank" }, h("h2", {}, unnamed), h("p", {}, unnamedText)));
      return;
    }
    this.#show(lease, calendar, root, server, locale);
  }

  #show(lease: Lease, calendar: string, root: HTMLElement, server: string, locale: Locale): void {
    const { client } = lease;
    const wishes: BookingWishes = {
      customer: this.#customer,
      zone: this.getAttribute("zone") ?? "",
      day: this.getAttribute("day") ?? "",
    };
    this.#view = new BookingView(client, calendar, {
      ...{ root, stateRoot: this, home: server, locale, wishes },
      told: (settled) => this.#tell(eventOf(calendar, settled)),
    });
    const tellState = () => {
      this.#tell(stateEvent(calendar, client.status));
      if (client.refusal !== undefined) this.#tell(errorEvent(calendar, client.refusal));
    };
    this.#stops.push(
      client.onStatus(tellState),
      client.calendar(calendar).subscribe((event) => {
        if (event.kind === "refused") this.#tell(errorEvent(calendar, event.error));
      }),
    );
    tellState();
  }

  #tell({ name, detail }: ElementEvent): void {
    const init = { detail, bubbles: true, composed: true };
    this.dispatchEvent(new CustomEvent(`slotcast:${name}`, init));
  }

  /** The button in the page, and the dialog that it opens. */
  #popUp(root: HTMLElement, locale: Locale): readonly HTMLElement[] {
    const { chooseTime, closePopup } = locale.texts.page;
    const label = h("slot", {}, chooseTime);
    const opener = button("", () => this.open(), { kind: "primary" });
    opener.part.add("open");
    opener.replaceChildren(label);
    const dialog = h("dialog", { class: "popup", part: "popup", "aria-label": chooseTime });
    const close = button("", () => dialog.close(), {
      kind: "quiet popup-close",
      label: closePopup,
    });
    close.append(icon("close"));
    dialog.append(close, root);
    this.#popup = dialog;
    return [opener, dialog];
  }

  #end(): void {
    for (const stop of this.#stops.splice(0)) stop();
    this.#view?.close();
    this.#lease?.release();
    this.#view = undefined;
    this.#lease = undefined;
    this.#popup = undefined;
  }
}

if (!customElements.get("slotcast-calendar")) {
  customElements.define("slotcast-calendar", SlotcastCalendar);
}
