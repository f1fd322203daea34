/** Actions on the visitor's own bookings: open by a link, move, cancel. */

import { type Calendar, type Proof, type Slot, SlotcastError } from "../../client";
import { adviceFor } from "../../ui/feedback/advice";
import { ask } from "../../ui/dialog/confirm";
import type { BookingActions } from "./booking_actions";
import { writeBooking } from "../booking_ics";
import { bookingReceipt } from "../booking_receipt";
import { copyLink } from "../../ui/dialog/clipboard";
import { calendarPage, manageLink } from "../../address/calendar_link";
import type { OwnStore, MyBooking } from "./own_store";
import type { Mover } from "../mover";
import { saveFile } from "../save_file";
import type { Toasts } from "../../ui/feedback/toast";

export interface OwnBookingsParts {
  readonly root: HTMLElement;
  readonly home: string;
  readonly calendar: Calendar;
  readonly mine: OwnStore;
  readonly actions: BookingActions;
  readonly mover: Mover;
  readonly toasts: Toasts;
  readonly now: () => number;
  readonly words: (times: { readonly start: string }) => string;
  readonly shown: (booking: string) => void;
}

export class OwnBookings {
  readonly #parts: OwnBookingsParts;
  readonly #opening = new Set<string>();

  constructor(parts: OwnBookingsParts) {
    this.#parts = parts;
  }

  linkOf(booking: Pick<MyBooking, "calendar" | "id" | "token">): string {
    return manageLink(calendarPage(this.#parts.home, booking.calendar), booking);
  }

  /** Makes the receipt of a booking, new or opened by its link. */
  receiptOf(booking: MyBooking): HTMLElement {
    const { start, calendar } = booking;
    const isKnown = start !== "" && calendar === this.#parts.calendar.id;
    return bookingReceipt({
      link: this.linkOf(booking),
      copy: () => this.copy(booking),
      ...(isKnown && { save: () => this.save(booking) }),
    });
  }

  /** Saves the booking as a file for the customer's own calendar. */
  save(booking: MyBooking): void {
    const { root, home, calendar, now } = this.#parts;
    const page = calendarPage(home, calendar.id).href;
    const text = writeBooking(booking, { name: calendar.info?.name ?? "", page, now: now() });
    saveFile(root, `${calendar.id}-${booking.start.slice(0, 10)}.ics`, "text/calendar", text);
  }

  /** Keeps and opens the booking of a link. Null stands for a damaged link. */
  invite(proof: Proof | null): void {
    if (proof === null) return void this.#reportBad("The address was cut short somewhere.");
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
      await this.#reportBad("It may be a wrong address, or the booking is gone.");
    } finally {
      this.#opening.delete(proof.id);
    }
  }

  async #reportBad(text: string): Promise<void> {
    const title = "This link does not open a booking";
    await ask(this.#parts.root, { title, text: `${text} Ask for a new link.`, yes: "All right" });
  }

  async copy(booking: MyBooking): Promise<void> {
    const { root, toasts } = this.#parts;
    const isCopied = await copyLink(root, "Link to your booking", this.linkOf(booking));
    if (isCopied) toasts.say("Copied. Whoever has this link can move or cancel the booking.");
  }

  startMove(booking: MyBooking): void {
    const { mover, words } = this.#parts;
    mover.start(booking, booking.start === "" ? "" : words(booking));
  }

  async finishMove(booking: MyBooking, slot: Slot): Promise<void> {
    const { root, mine, actions, mover, toasts, words } = this.#parts;
    const hold = mine.holds.find((one) => one.slot === slot.id && one.seats >= booking.seats);
    if (slot.id === booking.slot || !(slot.bookable || hold !== undefined)) return;
    const from = booking.start === "" ? "" : `From ${words(booking)} to `;
    const isSure = await ask(root, {
      title: "Move your booking?",
      text: `${from}${words(slot)}.`,
      yes: "Move it",
      no: "Not yet",
    });
    if (!isSure) return;
    await this.attempt(async () => {
      await actions.move(booking, slot, hold);
      mover.stop();
      toasts.say(`Moved to ${words(slot)}.`, "good");
    });
  }

  async cancel(booking: MyBooking): Promise<void> {
    const { root, actions, toasts, words } = this.#parts;
    const isSure = await ask(root, {
      title: "Cancel this booking?",
      text: `${booking.start === "" ? "Its time" : words(booking)} becomes free for others at once.`,
      yes: "Cancel the booking",
      no: "Keep it",
      isGrave: true,
    });
    if (!isSure) return;
    await this.attempt(async () => {
      await actions.cancel(booking);
      toasts.say("Your booking is cancelled.");
    });
  }

  /** Tells the visitor an error instead of throwing it. */
  async attempt<Result>(work: () => Promise<Result>): Promise<Result | undefined> {
    try {
      return await work();
    } catch (error) {
      this.#parts.toasts.say(adviceFor(error), "bad");
      return undefined;
    }
  }
}
