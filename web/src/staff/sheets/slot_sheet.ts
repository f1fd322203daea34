/** The sheet in which staff change a slot's time and its number of places, with everyone in it. */

import type { Slot } from "../../client";
import { h } from "../../ui/dom";
import { field, numberInput } from "../../ui/field";
import { dayKey, instantOf, wallClock } from "../../ui/time";
import type { StaffContext } from "../staff_context";
import { overText, withOverride } from "../take/override";
import { texts } from "../texts";
import { openFormSheet } from "./form_sheet";

const MOST_CAPACITY = 10_000;

export function changeSlot(context: StaffContext, slot: Slot): void {
  const [zone, start, end] = [context.zone(), Date.parse(slot.start), Date.parse(slot.end)];
  const date = h("input", { type: "date", name: "date", required: true });
  const from = h("input", { type: "time", name: "from", required: true });
  const minutes = numberInput({ name: "minutes", min: 1, max: 100_000 });
  const capacity = numberInput({ name: "capacity", min: 1, max: MOST_CAPACITY });
  date.value = dayKey(start, zone);
  from.value = wallClock(start, zone);
  minutes.value = String(Math.round((end - start) / 60_000));
  capacity.value = String(slot.capacity);
  const isTaken = slot.remaining < slot.capacity;
  const save = async (dialog: HTMLDialogElement) => {
    const calendar = context.calendar();
    if (calendar === undefined) return;
    const moved = instantOf(`${date.value}T${from.value}`, zone);
    const isMoved = date.value !== dayKey(start, zone) || from.value !== wallClock(start, zone);
    const begin = isMoved ? moved : start;
    const edit = {
      start: new Date(begin).toISOString(),
      end: new Date(begin + minutes.valueAsNumber * 60_000).toISOString(),
      capacity: capacity.valueAsNumber,
      if_version: slot.version,
      ...(isTaken && { with_bookings: true }),
    };
    const question = { title: texts.slot.againTitle, yes: texts.slot.yes };
    const answer = await withOverride(context.root, calendar, slot.id, question, (options) =>
      calendar.change(slot.id, { ...edit, ...options }),
    );
    if (answer === undefined) return;
    dialog.close();
    const back = { start: slot.start, end: slot.end, capacity: slot.capacity };
    const more = { ...(isTaken && { with_bookings: true, override: true }) };
    context.toasts.say(texts.slot.done(overText(answer.overridden)), "good", () => {
      void context.run(() => calendar.change(slot.id, { ...back, ...more }));
    });
  };
  openFormSheet(context.root, {
    heading: { id: "slot-title", title: texts.slot.title },
    lead: isTaken && h("p", { class: "sheet-text" }, texts.slot.moves),
    fields: [
      h("div", { class: "when" }, field(texts.sheet.day, date), field(texts.sheet.from, from)),
      h(
        "div",
        { class: "pair even" },
        field(texts.sheet.minutes, minutes),
        field(texts.sheet.places, capacity),
      ),
    ],
    yes: texts.slot.yes,
    save,
  });
}
