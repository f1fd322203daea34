/** The sheet in which staff correct a booking's customer and its number of places. */

import { button } from "../../ui/button";
import type { StaffBooking } from "../../client";
import { openOnce, sheet } from "../../ui/dialog/dialog";
import { h } from "../../ui/dom";
import { Problem } from "../../ui/field";
import type { StaffContext } from "../staff_context";
import { CallerForm } from "../take/caller_form";
import { overText, withOverride } from "../take/override";
import { adviceFor, texts } from "../texts";

export function correctBooking(context: StaffContext, booking: StaffBooking): void {
  const calendar = context.calendar();
  if (calendar === undefined) return;
  const { customer, seats } = booking;
  const form = new CallerForm(customer, seats, true);
  const problem = new Problem();
  const submit = button(texts.sheet.save, undefined, { type: "submit", kind: "primary wide" });
  const save = async () => {
    const question = { title: texts.correct.againTitle, yes: texts.correct.yes };
    const wanted = { customer: form.customer, ...(form.seats !== seats && { seats: form.seats }) };
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
  };
  const onsubmit = async (event: Event) => {
    event.preventDefault();
    problem.show("");
    submit.disabled = true;
    try {
      await save();
    } catch (error) {
      problem.show(adviceFor(error));
    } finally {
      submit.disabled = false;
    }
  };
  const dialog = sheet(
    { id: "correct-title", title: texts.correct.title },
    h(
      "form",
      { class: "form", onsubmit: (event) => void onsubmit(event) },
      ...form.elements,
      problem.element,
      h(
        "div",
        { class: "actions" },
        submit,
        button(texts.sheet.notNow, () => dialog.close(), { kind: "quiet" }),
      ),
    ),
  );
  openOnce(context.root, dialog);
  form.focus();
}
