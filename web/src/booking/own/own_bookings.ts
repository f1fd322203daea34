/** The visitor's own bookings: opened by a link, and the steps with them. */

import { type Calendar, type Proof, SlotcastError } from "../../client";
import { adviceFor } from "../../ui/feedback/advice";
import type { BookingActions } from "./booking_actions";
import type { Catalog } from "../../language/english";
import { calendarPage, manageLink } from "../../address/calendar_link";
import type { OwnStore, MyBooking } from "./own_store";
import type { OwnSteps } from "./own_steps";
import type { Mover } from "../mover";
import type { Toasts } from "../../ui/feedback/toast";

export interface OwnBookingsParts {
  readonly root: HTMLElement;
  readonly home: string;
  readonly calendar: Calendar;
  readonly mine: OwnStore;
  readonly actions: BookingActions;
  readonly catalog: Catalog;
  readonly mover: Mover;
  readonly toasts: Toasts;
  readonly words: (times: { readonly start: string }) => string;
  readonly shown: (booking: string) => void;
}

export class OwnBookings {
  readonly #parts: OwnBookingsParts;
  readonly #opening = new Set<string>();
  #loading: Promise<OwnSteps> | undefined;

  constructor(parts: OwnBookingsParts) {
    this.#parts = parts;
  }

  linkOf(booking: Pick<MyBooking, "calendar" | "id" | "token">): string {
    return manageLink(calendarPage(this.#parts.home, booking.calendar), booking);
  }

  /** Keeps and opens the booking of a link. Null stands for a damaged link. */
  invite(proof: Proof | null): void {
    if (proof === null) return void this.step((steps) => steps.reportBad("cut"));
    this.#parts.mine.keepProof(proof);
    this.openAll();
  }

  /** Opens the bookings of all links. It waits for the calendar with their times. */
  openAll(): void {
    const { calendar, mine } = this.#parts;
    if (!calendar.isLoaded && calendar.refusal === undefined) return;
    for (const proof of mine.proofs) void this.#open(proof);
  }

  async #open(proof: Proof): Promise<void> {
    const { actions, mine, shown } = this.#parts;
    if (this.#opening.has(proof.id)) return;
    this.#opening.add(proof.id);
    try {
      await actions.open(proof);
      shown(proof.id);
    } catch (error) {
      if (error instanceof SlotcastError && error.retryable) return;
      mine.dropProof(proof.id);
      await this.step((steps) => steps.reportBad("gone"));
    } finally {
      this.#opening.delete(proof.id);
    }
  }

  startMove(booking: MyBooking): void {
    const { mover, words } = this.#parts;
    mover.start(booking, booking.start === "" ? "" : words(booking));
  }

  /** Loads the steps of bookings. A load that failed is tried again at the next call. */
  load(): Promise<OwnSteps> {
    this.#loading ??= import("./own_steps").then(
      ({ OwnSteps }) => new OwnSteps(this.#parts, this),
      (error: unknown) => {
        this.#loading = undefined;
        throw error;
      },
    );
    return this.#loading;
  }

  /** Takes a step with a booking. */
  async step(take: (steps: OwnSteps) => Promise<void>): Promise<void> {
    await this.attempt(async () => take(await this.load()));
  }

  /** Tells the visitor an error instead of throwing it. */
  async attempt<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await work();
    } catch (error) {
      this.#parts.toasts.say(adviceFor(error, this.#parts.catalog), "bad");
      return undefined;
    }
  }
}
