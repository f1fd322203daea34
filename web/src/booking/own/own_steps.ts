/** What a visitor does with a booking: take it away, move it, cancel it. It loads after the board. */

import type { Slot } from "../../client";
import { calendarPage } from "../../address/calendar_link";
import { copyLink } from "../../ui/dialog/clipboard";
import { ask } from "../../ui/dialog/confirm";
import { openOnce, sheet } from "../../ui/dialog/dialog";
import { codeField } from "../form/code_field";
import { bookingReceipt } from "../form/booking_receipt";
import { saveFile } from "../save_file";
import { serviceOf } from "../service";
import type { OwnBookings, OwnBookingsParts } from "./own_bookings";
import type { MyBooking } from "./own_store";

export class OwnSteps {
  readonly #parts: OwnBookingsParts;
  readonly #own: OwnBookings;

  constructor(parts: OwnBookingsParts, own: OwnBookings) {
    this.#parts = parts;
    this.#own = own;
  }

  /** Makes the receipt of a booking, new or opened by its link. */
  receiptOf(booking: MyBooking): HTMLElement {
    const { start, end, calendar, status } = booking;
    const isKnown = start !== "" && calendar === this.#parts.calendar.id;
    const { info } = this.#parts.calendar;
    const { title, location } = serviceOf(this.#parts.calendar.slot(booking.slot));
    const appointment = {
      title: [title, info?.name].filter(Boolean).join(" · "),
      place: location || (info?.policy.place ?? ""),
      page: calendarPage(this.#parts.home, calendar).href,
      start,
      end,
    };
    return bookingReceipt(this.#parts.catalog, {
      link: this.#own.linkOf(booking),
      isPending: status === "pending",
      copy: () => this.copy(booking),
      ...(isKnown && { save: () => void this.save(booking), appointment }),
    });
  }

  /** Saves the server's file of the booking, for the customer's own calendar. */
  async save(booking: MyBooking): Promise<void> {
    const { root, calendar } = this.#parts;
    await this.#own.attempt(async () => {
      const text = await calendar.bookingFile(booking);
      saveFile(root, `${calendar.id}-${booking.start.slice(0, 10)}.ics`, "text/calendar", text);
    });
  }

  /** Tells that a link opens no booking. */
  async reportBad(why: "cut" | "gone"): Promise<void> {
    const { root, catalog } = this.#parts;
    const { link } = catalog;
    await ask(root, { title: link.bad, text: link[why], yes: link.yes });
  }

  async copy(booking: MyBooking): Promise<void> {
    const { root, toasts, catalog } = this.#parts;
    const { receipt } = catalog;
    const isCopied = await copyLink(root, receipt.linkTitle, this.#own.linkOf(booking), catalog);
    if (isCopied) toasts.say(receipt.copied);
  }

  /** Asks for the code of a booking's mail, after a reload of the page too. */
  async enterCode(booking: MyBooking): Promise<void> {
    const { root, actions, toasts, catalog } = this.#parts;
    const { verify } = catalog;
    const dialog = sheet(
      { id: "code-title", title: verify.title, isForm: true },
      codeField({
        catalog,
        booking,
        email: "",
        verify: actions.verify,
        sendAgain: actions.sendCode,
        onVerified: () => {
          dialog.close();
          toasts.say(verify.done, "good");
        },
      }),
    );
    openOnce(root, dialog);
  }

  async finishMove(booking: MyBooking, slot: Slot): Promise<void> {
    const { root, mine, actions, mover, toasts, words, catalog } = this.#parts;
    const texts = catalog.move;
    const hold = mine.holds.find((one) => one.slot === slot.id && one.seats >= booking.seats);
    if (slot.id === booking.slot || !(slot.bookable || hold !== undefined)) return;
    const isSure = await ask(root, {
      title: texts.title,
      text:
        booking.start === "" ? texts.to(words(slot)) : texts.fromTo(words(booking), words(slot)),
      yes: texts.yes,
      no: texts.no,
    });
    if (!isSure) return;
    await this.#own.attempt(async () => {
      await actions.move(booking, slot, hold);
      mover.stop();
      toasts.say(texts.done(words(slot)), "good");
    });
  }

  async cancel(booking: MyBooking): Promise<void> {
    const { root, actions, toasts, words, catalog } = this.#parts;
    const texts = catalog.cancel;
    const isSure = await ask(root, {
      title: texts.title,
      text: booking.start === "" ? texts.textUnknown : texts.text(words(booking)),
      yes: texts.yes,
      no: texts.no,
      isGrave: true,
    });
    if (!isSure) return;
    await this.#own.attempt(async () => {
      await actions.cancel(booking);
      toasts.say(texts.done);
    });
  }
}
