/** The booking form, loaded after the board: the first times are on the screen without it. */

import type { Booking, Customer, State } from "../../client";
import type { BookingForm, FormParts } from "./booking_form";

export class LazyForm {
  readonly #root: HTMLElement;
  readonly #parts: FormParts;
  #form: BookingForm | undefined;
  #loading: Promise<BookingForm> | undefined;
  #customer: Partial<Customer> = {};

  constructor(root: HTMLElement, parts: FormParts) {
    this.#root = root;
    this.#parts = parts;
  }

  /** Loads the form. A load that failed is tried again at the next call. */
  load(): Promise<BookingForm> {
    this.#loading ??= this.#load();
    return this.#loading;
  }

  /** The id of the hold in the open form. */
  get hold(): string | undefined {
    return this.#form?.hold?.id;
  }

  /** Fills in the customer's details that the page knows, once the form is there. */
  prefill(customer: Partial<Customer>): void {
    this.#customer = customer;
    this.#form?.prefill(customer);
  }

  settled(hold: string, booking: Booking): void {
    this.#form?.settled(hold, booking);
  }

  drawState(state: State, isLongAway: boolean): void {
    this.#form?.drawState(state, isLongAway);
  }

  tick(now: number): void {
    this.#form?.tick(now);
  }

  async #load(): Promise<BookingForm> {
    try {
      const { BookingForm } = await import("./booking_form");
      this.#form = new BookingForm(this.#parts);
      this.#form.prefill(this.#customer);
      this.#root.append(this.#form.element);
      return this.#form;
    } catch (error) {
      this.#loading = undefined;
      throw error;
    }
  }
}
