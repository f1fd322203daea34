/** The sheet in which staff correct a booking's customer and its number of places. */

import type { StaffBooking } from "../../client";
import type { StaffContext } from "../staff_context";
import { CallerForm } from "../take/caller_form";
import { overText, withOverride } from "../take/override";
import { texts } from "../texts";
import { openFormSheet } from "./form_sheet";

export function correctBooking(context: StaffContext, booking: StaffBooking): void {
  const calendar = context.calendar();
  if (calendar === undefined) return;
  const { customer, seats } = booking;
  const form = new CallerForm(customer, seats, true);
  openFormSheet(context.root, {
    heading: { id: "correct-title", title: texts.correct.title },
    fields: form.elements,
    yes: texts.sheet.save,
    save: async (dialog) => {
      const question = { title: texts.correct.againTitle, yes: texts.correct.yes };
      const wanted = {
        customer: form.customer,
        ...(form.seats !== seats && { seats: form.seats }),
      };
      const answer = await withOverride(context.root, calendar, booking.slot, question, (options) =>
        calendar.correct(booking.id, { ...wanted, ...options }),
      );
      if (answer === undefined) return;
      dialog.close();
      const undo = () =>
        void context.run(async () => {
          const before = { ...(customer && { customer }), seats, override: true };
          await calendar.correct(booking.id, before);
        });
      context.toasts.say(texts.correct.done(overText(answer.overridden)), "good", undo);
    },
  });
  form.focus();
}
