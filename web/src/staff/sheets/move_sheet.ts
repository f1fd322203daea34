/** The sheet in which staff move a booking: a day, and the times of that day. */

import { button } from "../../ui/button";
import type { Slot, StaffBooking, StaffCalendar } from "../../client";
import { openOnce, sheet } from "../../ui/dialog/dialog";
import { h } from "../../ui/dom";
import { field, Problem } from "../../ui/field";
import { dayKey, timeText } from "../../ui/time";
import { isDay, rangeOf } from "../day/day_range";
import type { StaffContext } from "../staff_context";
import { overText, withOverride } from "../take/override";
import { adviceFor, texts } from "../texts";

/** Moves a booking. Staff are asked about each rule in the way, and a move can be undone. */
export async function moveBooking(
  context: StaffContext,
  calendar: StaffCalendar,
  booking: Pick<StaffBooking, "id" | "slot">,
  slot: string,
): Promise<boolean> {
  const question = { title: texts.move.againTitle, yes: texts.move.yes };
  const answer = await withOverride(context.root, calendar, slot, question, (options) =>
    calendar.moveBooking(booking.id, slot, options),
  );
  if (answer === undefined) return false;
  const undo = () =>
    void context.run(async () => {
      await calendar.moveBooking(booking.id, booking.slot, { override: true });
    });
  context.toasts.say(texts.move.done(overText(answer.overridden)), "good", undo);
  return true;
}

export function askForMove(context: StaffContext, booking: StaffBooking): void {
  const calendar = context.calendar();
  if (calendar === undefined) return;
  const zone = context.zone();
  const date = h("input", { type: "date", name: "date", required: true });
  const here = calendar.slot(booking.slot)?.start ?? booking.start;
  date.value = dayKey(here === undefined ? context.now() : Date.parse(here), zone);
  const list = h("div", { class: "times", role: "group", "aria-label": texts.move.times });
  const problem = new Problem();
  const attempt = async (work: () => Promise<void>) => {
    problem.show("");
    try {
      await work();
    } catch (error) {
      problem.show(adviceFor(error));
    }
  };
  const choose = (slot: Slot) =>
    attempt(async () => {
      if (await moveBooking(context, calendar, booking, slot.id)) dialog.close();
    });
  const load = () =>
    attempt(async () => {
      const day = date.value;
      if (!isDay(day)) return;
      const { from, to } = rangeOf({ day }, zone, context.now());
      const { slots } = await calendar.look(from, to);
      if (date.value !== day) return;
      const others = slots.filter((slot) => slot.id !== booking.slot && slot.start >= from);
      list.replaceChildren(...others.map((slot) => timeButton(context, slot, () => choose(slot))));
      if (others.length === 0) list.append(h("p", { class: "sheet-text" }, texts.move.none));
    });
  date.addEventListener("change", () => void load());
  const dialog = sheet(
    { id: "move-title", title: texts.move.title, isForm: true },
    h("p", { class: "sheet-text" }, booking.customer?.name ?? texts.agenda.erased),
    field(texts.move.toDay, date),
    list,
    problem.element,
    h(
      "div",
      { class: "actions" },
      button(texts.sheet.notNow, () => dialog.close(), { kind: "quiet" }),
    ),
  );
  openOnce(context.root, dialog);
  void load();
}

function timeButton(context: StaffContext, slot: Slot, choose: () => Promise<void>): HTMLElement {
  const time = timeText(Date.parse(slot.start), context.zone(), context.locale);
  const made = button(time, () => void choose(), {
    kind: slot.bookable ? "small" : "small quiet taken",
    label: slot.bookable ? time : texts.move.notFree(time),
  });
  made.dataset.target = slot.id;
  return made;
}
