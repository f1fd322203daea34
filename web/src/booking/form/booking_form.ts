/** The sheet in which a held slot becomes a booking. Closing it keeps the hold. */

import { button } from "../../ui/button";
import { closeOnBackdrop } from "../../ui/dialog/dialog";
import { field, Problem } from "../../ui/field";
import {
  type Booking,
  type Customer,
  type Policy,
  type Slot,
  SlotcastError,
  type State,
} from "../../client";
import type { SentCodeAnswer, VerifiedAnswer } from "../../client/wire";
import { adviceFor } from "../../ui/feedback/advice";
import { h, icon, setText } from "../../ui/dom";
import type { Catalog } from "../../language/english";
import type { MyBooking, MyHold, BookingRequest } from "../own/own_store";
import { countdownText } from "../../ui/time";
import type { Setting } from "../board/slot_cell";
import { codeField } from "./code_field";
import { CustomerFields, type Said } from "./customer_fields";
import type { Draft, DraftStore } from "./draft";
import { rangeText, slotDetails } from "./slot_details";

export interface FormActions {
  requestFor(hold: MyHold, said: Said, seats: number): BookingRequest;
  book(hold: MyHold, request: BookingRequest): Promise<Booking>;
  reseat(hold: MyHold, seats: number): Promise<MyHold>;
  extend(hold: MyHold): Promise<MyHold>;
  letGo(hold: MyHold): Promise<void>;
  readonly verify: (booking: MyBooking, code: string) => Promise<VerifiedAnswer>;
  readonly sendCode: (booking: MyBooking) => Promise<SentCodeAnswer>;
}

export interface FormParts {
  readonly catalog: Catalog;
  readonly actions: FormActions;
  readonly drafts: DraftStore;
  readonly receiptOf: (booking: MyBooking) => Promise<HTMLElement>;
}

/** The form offers more time from this time before the end. */
const LAST_MS = 60_000;

export class BookingForm {
  readonly element: HTMLDialogElement;
  readonly #catalog: Catalog;
  readonly #texts: Catalog["form"];
  readonly #actions: FormActions;
  readonly #drafts: DraftStore;
  readonly #receiptOf: FormParts["receiptOf"];
  readonly #when = h("h2", { class: "sheet-title", id: "form-title" });
  readonly #where = h("div", { class: "where" });
  readonly #away = h("p", { class: "away", role: "status", hidden: true });
  readonly #left = h("span", { class: "timer-left" });
  readonly #more: HTMLButtonElement;
  readonly #timer: HTMLElement;
  readonly #fields: CustomerFields;
  readonly #seats = h("input", { name: "seats", type: "number", min: 1, value: 1, step: 1 });
  readonly #seatsField: HTMLElement;
  readonly #problem = new Problem();
  readonly #submit: HTMLButtonElement;
  readonly #letGo: HTMLButtonElement;
  readonly #form: HTMLFormElement;
  readonly #done = h("div", { class: "done", tabindex: -1 });
  #hold: MyHold | undefined;
  #faulty: HTMLElement | undefined;
  #hasExpired = false;
  #isLongest = false;

  constructor({ catalog, actions, drafts, receiptOf }: FormParts) {
    const { form: texts } = catalog;
    this.#catalog = catalog;
    this.#texts = texts;
    this.#more = button(texts.more, () => void this.#onMore(), { kind: "quiet" });
    this.#submit = button(texts.submit, undefined, { type: "submit", kind: "primary wide" });
    this.#letGo = button(texts.letGo, () => void this.#onLetGo(), { kind: "quiet" });
    this.#problem.element.id = "form-problem";
    this.#actions = actions;
    this.#receiptOf = receiptOf;
    this.#drafts = drafts;
    this.#fields = new CustomerFields(catalog);
    this.#fields.fill(drafts.read() ?? {});
    this.#timer = h(
      "p",
      { class: "timer" },
      icon("clock"),
      h("span", {}, `${texts.heldForYou} `),
      this.#left,
      this.#more,
    );
    this.#seatsField = field(texts.seats, this.#seats);
    this.#form = h(
      "form",
      {
        class: "form",
        method: "dialog",
        novalidate: true,
        onsubmit: (event) => this.#onSubmit(event),
      },
      this.#seatsField,
      this.#fields.element,
      this.#away,
      this.#problem.element,
      h("div", { class: "actions" }, this.#submit, this.#letGo),
    );
    this.element = this.#sheet();
    this.#seats.addEventListener("change", () => void this.#onSeats());
    // A reload of the page, or a phone that drops it, loses no text.
    this.#form.addEventListener("input", () => this.#drafts.write(this.#fields.draft));
  }

  #sheet(): HTMLDialogElement {
    const close = h(
      "button",
      { type: "button", class: "close", "aria-label": this.#texts.close },
      icon("close"),
    );
    const element = h(
      "dialog",
      { class: "sheet", part: "form", "aria-labelledby": "form-title" },
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
    this.#hold = hold;
    this.#hasExpired = false;
    this.#isLongest = false;
    setText(this.#when, rangeText(hold, setting.zone, setting));
    this.#where.replaceChildren(...slotDetails(hold, slot, policy, setting));
    // Answers may be those of the draft, and their fields are new.
    this.#fields.draw(policy);
    this.#fields.fill({ ...this.#drafts.read(), ...filled(this.#fields.draft) });
    this.#seatsField.hidden = (slot?.capacity ?? 1) <= 1;
    this.#seats.max = String((slot?.remaining ?? 0) + hold.seats);
    this.#seats.value = String(hold.seats);
    if (hold.request !== undefined) this.#fill(hold.request);
    this.#done.hidden = true;
    this.#form.hidden = false;
    this.#timer.hidden = false;
    this.#fail("");
    this.#working(false);
    setText(this.#submit, this.#texts.submit);
    if (!this.element.open) this.element.showModal();
    this.tick(setting.now);
    this.#fields.focus();
  }

  /** Fills in the customer's details that the page knows. */
  prefill(customer: Partial<Customer>): void {
    this.#fields.fill({ ...this.#fields.draft, ...customer });
  }

  /** Takes the outcome of an earlier request of this sheet. */
  settled(hold: string, booking: Booking): void {
    const asked = this.hold;
    if (asked?.id !== hold || this.#form.hidden) return;
    this.#finish({ ...booking, start: asked.start, end: asked.end });
  }

  /** Says in the form that the server is away. */
  drawState(state: State, isLongAway: boolean): void {
    const { offline, away } = this.#texts;
    const text = state === "offline" ? offline : state !== "live" && isLongAway ? away : "";
    setText(this.#away, text);
    this.#away.hidden = text === "";
  }

  tick(now: number): void {
    if (!this.element.open || this.#hold === undefined || this.#timer.hidden) return;
    const left = Date.parse(this.#hold.expires_at) - now;
    setText(this.#left, countdownText(left));
    this.#more.hidden = this.#isLongest || left > LAST_MS || left <= 0;
    this.#timer.dataset.urgent = String(left <= LAST_MS);
    if (left > 0 || this.#hasExpired) return;
    this.#hasExpired = true;
    this.#fail(this.#texts.lapsed);
    setText(this.#submit, this.#texts.submitLapsed);
  }

  #onSubmit(event: Event): void {
    event.preventDefault();
    const hold = this.#hold;
    if (hold === undefined) return;
    const said = this.#fields.read();
    if ("control" in said) {
      this.#fail(said.text, said.control);
      said.control.focus();
      return;
    }
    void this.#try(async () => {
      const seats = Number(this.#seats.value) || hold.seats;
      const request = this.#actions.requestFor(hold, said, seats);
      this.#hold = { ...hold, request };
      const { start, end } = hold;
      this.#finish({ ...(await this.#actions.book(this.#hold, request)), start, end });
    });
  }

  /** The fields are those of the last try, so that another try asks for the same. */
  #fill({ customer, seats, data }: BookingRequest): void {
    this.#seats.value = String(seats);
    this.#fields.fill({ ...customer, answers: data?.answers ?? {} });
  }

  async #onMore(): Promise<void> {
    await this.#try(async () => {
      const hold = this.#hold;
      if (hold === undefined) return;
      this.#hold = await this.#actions.extend(hold);
      // A hold lasts twice its time at most. Then the server answers with the same end.
      this.#isLongest = Date.parse(this.#hold.expires_at) <= Date.parse(hold.expires_at);
      if (this.#isLongest) this.#fail(this.#texts.longest);
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
    const receipt = h("div", { class: "receipt" });
    void this.#receiptOf(booking).then((made) => receipt.replaceWith(made));
    this.#form.hidden = true;
    this.#timer.hidden = true;
    this.#done.hidden = false;
    this.#done.dataset.booking = booking.id;
    if (booking.verification !== undefined) {
      this.#askForCode(booking);
      return;
    }
    this.#done.replaceChildren(
      h("span", { class: "done-mark" }, icon("check")),
      h("p", { class: "done-title" }, isPending ? this.#texts.requested : this.#texts.booked),
      h(
        "p",
        { class: "sheet-text" },
        isPending ? this.#texts.requestedText : this.#texts.bookedText,
      ),
      receipt,
      button(this.#texts.done, () => this.element.close(), { kind: "primary wide" }),
    );
    this.#done.focus();
    this.#fields.clear();
    this.#drafts.clear();
  }

  /** Asks for the code of the mail. The booking waits for it, also on another page or by the mail's link. */
  #askForCode(booking: MyBooking): void {
    const { verification: _, ...verified } = booking;
    const parts = {
      catalog: this.#catalog,
      booking,
      email: this.#fields.draft.email,
      verify: this.#actions.verify,
      sendAgain: this.#actions.sendCode,
      onVerified: (answer: VerifiedAnswer) => {
        this.#finish({ ...verified, status: answer.booking.status });
      },
    };
    this.#done.replaceChildren(
      h("p", { class: "done-title" }, this.#catalog.verify.title),
      codeField(parts),
    );
    this.#done.querySelector("input")?.focus();
  }

  async #try(work: () => Promise<void>): Promise<void> {
    this.#fail("");
    this.#working(true);
    try {
      await work();
    } catch (error) {
      this.#fail(adviceFor(error, this.#catalog));
      // The time is not the visitor's any more.
      if (isVoid(error)) this.#timer.hidden = true;
    } finally {
      this.#working(false);
    }
  }

  #working(is: boolean): void {
    for (const button of [this.#submit, this.#letGo, this.#more]) button.disabled = is;
    this.#form.setAttribute("aria-busy", String(is));
  }

  /** Shows a problem under the field that it is about, or over the buttons. */
  #fail(text: string, control?: HTMLElement): void {
    this.#faulty?.removeAttribute("aria-invalid");
    this.#faulty?.removeAttribute("aria-describedby");
    control?.setAttribute("aria-invalid", "true");
    control?.setAttribute("aria-describedby", "form-problem");
    this.#faulty = control;
    (control?.closest(".field") ?? this.#away).after(this.#problem.element);
    this.#problem.show(text);
  }
}

const isVoid = (error: unknown): boolean =>
  error instanceof SlotcastError && error.code === "hold_not_yours";

/** Returns the fields that have a text. */
function filled(draft: Draft): Partial<Draft> {
  const { answers, ...texts } = draft;
  const isFilled = ([, text]: readonly [string, string]) => text !== "";
  const given = Object.fromEntries(Object.entries(answers).filter(isFilled));
  return {
    ...Object.fromEntries(Object.entries(texts).filter(isFilled)),
    ...(Object.keys(given).length > 0 && { answers: given }),
  };
}
