/** The sheet in which a held slot becomes a booking. Closing it keeps the hold. */

import { button } from "../ui/button";
import { closeOnBackdrop } from "../ui/dialog/dialog";
import { field, Problem } from "../ui/field";
import type { Booking, Customer, Policy, Slot } from "../client";
import { adviceFor } from "../ui/feedback/advice";
import { h, icon, setText } from "../ui/dom";
import type { MyBooking, MyHold, BookingRequest } from "./own/own_store";
import { countdownText, dayKey, dayTitle, timeText, zoneText } from "../ui/time";
import type { Setting } from "./board/slot_cell";

export interface FormActions {
  requestFor(hold: MyHold, customer: Customer, seats: number): BookingRequest;
  book(hold: MyHold, request: BookingRequest): Promise<Booking>;
  reseat(hold: MyHold, seats: number): Promise<MyHold>;
  extend(hold: MyHold): Promise<MyHold>;
  letGo(hold: MyHold): Promise<void>;
}

/** The form offers more time from this time before the end. */
const LAST_MS = 60_000;

export class BookingForm {
  readonly element: HTMLDialogElement;
  readonly #actions: FormActions;
  readonly #receiptOf: (booking: MyBooking) => HTMLElement;
  readonly #when = h("h2", { class: "sheet-title", id: "form-title" });
  readonly #where = h("p", { class: "sheet-text" });
  readonly #left = h("span", { class: "timer-left" });
  readonly #more = button("More time", () => void this.#onMore(), { kind: "quiet" });
  readonly #timer: HTMLElement;
  readonly #name = h("input", {
    name: "name",
    autocomplete: "name",
    required: true,
    maxlength: 200,
  });
  readonly #email = h("input", {
    name: "email",
    type: "email",
    autocomplete: "email",
    maxlength: 254,
  });
  readonly #note = h("textarea", { name: "note", rows: 2, maxlength: 2000 });
  readonly #seats = h("input", { name: "seats", type: "number", min: 1, value: 1, step: 1 });
  readonly #seatsField: HTMLElement;
  readonly #problem = new Problem();
  readonly #submit = button("Book this time", undefined, { type: "submit", kind: "primary wide" });
  readonly #letGo = button("Let it go", () => void this.#onLetGo(), { kind: "quiet" });
  readonly #form: HTMLFormElement;
  readonly #done = h("div", { class: "done", tabindex: -1 });
  #hold: MyHold | undefined;
  #hasExpired = false;
  #isLongest = false;
  #policy: Policy | undefined;

  constructor(actions: FormActions, receiptOf: (booking: MyBooking) => HTMLElement) {
    this.#actions = actions;
    this.#receiptOf = receiptOf;
    this.#timer = h(
      "p",
      { class: "timer" },
      icon("clock"),
      h("span", {}, "Held for you "),
      this.#left,
      this.#more,
    );
    this.#seatsField = field("Places", this.#seats);
    this.#form = h(
      "form",
      { class: "form", method: "dialog", onsubmit: (event) => this.#onSubmit(event) },
      this.#seatsField,
      field("Your name", this.#name),
      field("Email", this.#email, "optional"),
      field("Note", this.#note, "optional"),
      this.#problem.element,
      h("div", { class: "actions" }, this.#submit, this.#letGo),
    );
    this.element = this.#sheet();
    this.#seats.addEventListener("change", () => void this.#onSeats());
  }

  #sheet(): HTMLDialogElement {
    const close = h(
      "button",
      { type: "button", class: "close", "aria-label": "Close and keep the hold" },
      icon("close"),
    );
    const element = h(
      "dialog",
      { class: "sheet", "aria-labelledby": "form-title" },
      h(
        "div",
        { class: "sheet-body" },
        close,
        this.#when,
        this.#where,
        this.#timer,
        this.#form,
        this.#done,
      ),
    );
    close.addEventListener("click", () => element.close());
    closeOnBackdrop(element);
    return element;
  }

  get hold(): MyHold | undefined {
    return this.element.open ? this.#hold : undefined;
  }

  open(hold: MyHold, slot: Slot | undefined, policy: Policy | undefined, setting: Setting): void {
    const { zone, locale } = setting;
    const start = Date.parse(hold.start);
    const today = dayKey(setting.now, zone);
    this.#hold = hold;
    this.#policy = policy;
    this.#hasExpired = false;
    this.#isLongest = false;
    const from = timeText(start, zone, locale);
    const to = timeText(Date.parse(hold.end), zone, locale);
    setText(this.#when, `${from} – ${to}`);
    setText(
      this.#where,
      `${dayTitle(dayKey(start, zone), today, locale)} · ${zoneText(zone, start)}`,
    );
    this.#seatsField.hidden = (slot?.capacity ?? 1) <= 1;
    this.#seats.max = String((slot?.remaining ?? 0) + hold.seats);
    this.#seats.value = String(hold.seats);
    if (hold.request !== undefined) this.#fill(hold.request);
    this.#done.hidden = true;
    this.#form.hidden = false;
    this.#timer.hidden = false;
    this.#fail("");
    this.#working(false);
    setText(this.#submit, "Book this time");
    if (!this.element.open) this.element.showModal();
    this.tick(setting.now);
    this.#name.focus();
  }

  /** Takes the outcome of an earlier request of this sheet. */
  settled(hold: string, booking: Booking): void {
    const asked = this.hold;
    if (asked?.id !== hold || this.#form.hidden) return;
    this.#finish({ ...booking, start: asked.start, end: asked.end });
  }

  tick(now: number): void {
    if (!this.element.open || this.#hold === undefined || this.#timer.hidden) return;
    const left = Date.parse(this.#hold.expires_at) - now;
    setText(this.#left, countdownText(left));
    this.#more.hidden = this.#isLongest || left > LAST_MS || left <= 0;
    this.#timer.dataset.urgent = String(left <= LAST_MS);
    if (left > 0 || this.#hasExpired) return;
    this.#hasExpired = true;
    this.#fail("Your hold has lapsed. If the time is still free, you can book it all the same.");
    setText(this.#submit, "Try to book it");
  }

  #onSubmit(event: Event): void {
    event.preventDefault();
    const hold = this.#hold;
    if (hold === undefined) return;
    const name = this.#name.value.trim();
    if (name === "") {
      this.#fail("Please tell us your name.");
      this.#name.focus();
      return;
    }
    const email = this.#email.value.trim();
    const text = this.#note.value.trim();
    const customer = { name, ...(email && { email }), ...(text && { note: text }) };
    void this.#try(async () => {
      const seats = Number(this.#seats.value) || hold.seats;
      const request = this.#actions.requestFor(hold, customer, seats);
      this.#hold = { ...hold, request };
      const { start, end } = hold;
      this.#finish({ ...(await this.#actions.book(this.#hold, request)), start, end });
    });
  }

  /** The fields are those of the last try, so that another try asks for the same. */
  #fill({ customer, seats }: BookingRequest): void {
    this.#seats.value = String(seats);
    this.#name.value = customer.name;
    this.#email.value = customer.email ?? "";
    this.#note.value = customer.note ?? "";
  }

  async #onMore(): Promise<void> {
    await this.#try(async () => {
      const hold = this.#hold;
      if (hold === undefined) return;
      this.#hold = await this.#actions.extend(hold);
      // A hold lasts twice its time at most. Then the server answers with the same end.
      this.#isLongest = Date.parse(this.#hold.expires_at) <= Date.parse(hold.expires_at);
      if (this.#isLongest) this.#fail("It cannot be held any longer than this.");
    });
  }

  async #onSeats(): Promise<void> {
    const hold = this.#hold;
    const seats = Number(this.#seats.value);
    if (hold === undefined || !this.#seats.checkValidity() || seats === hold.seats) return;
    await this.#try(async () => {
      this.#hold = await this.#actions.reseat(hold, seats);
    });
    this.#seats.value = String(this.#hold?.seats ?? seats);
  }

  async #onLetGo(): Promise<void> {
    const hold = this.#hold;
    this.element.close();
    if (hold !== undefined) await this.#actions.letGo(hold).catch(() => {});
  }

  #finish(booking: MyBooking): void {
    const isPending = booking.status === "pending";
    this.#form.hidden = true;
    this.#timer.hidden = true;
    this.#done.hidden = false;
    this.#done.replaceChildren(
      h("span", { class: "done-mark" }, icon("check")),
      h("p", { class: "done-title" }, isPending ? "Requested" : "Booked"),
      h(
        "p",
        { class: "sheet-text" },
        isPending
          ? "The time is kept for you until the other side has confirmed it."
          : "The time is yours. You can move or cancel it here, or by its link from anywhere.",
      ),
      this.#receiptOf(booking),
      button("Done", () => this.element.close(), { kind: "primary wide" }),
    );
    this.#done.dataset.booking = booking.id;
    this.#done.focus();
    this.#note.value = "";
  }

  async #try(work: () => Promise<void>): Promise<void> {
    this.#fail("");
    this.#working(true);
    try {
      await work();
    } catch (error) {
      this.#fail(adviceFor(error));
    } finally {
      this.#working(false);
    }
  }

  #working(is: boolean): void {
    for (const button of [this.#submit, this.#letGo, this.#more]) button.disabled = is;
    this.#form.setAttribute("aria-busy", String(is));
  }

  #fail(text: string): void {
    this.#problem.show(text);
  }

  get policy(): Policy | undefined {
    return this.#policy;
  }
}
