/** The sheet that opens a range of a day, drawn in the week grid, as slots of equal length. */

import { MOST_SLOTS, type NewSlot } from "../../client";
import { h, setText } from "../../ui/dom";
import { field, numberInput } from "../../ui/field";
import { dayTitle, instantOf } from "../../ui/time";
import { batchesOf, slotsOf } from "../opening/opening";
import type { StaffContext } from "../staff_context";
import { clockOf } from "./grid_layout";
import { openFormSheet } from "../sheets/form_sheet";
import { texts } from "../texts";

export interface Range {
  readonly day: string;
  /** Minutes from midnight. */
  readonly from: number;
  readonly to: number;
}

/** The minutes of the range in real time: an hour more or less where the clock changes in it. */
export function minutesIn({ day, from, to }: Range, zone: string): number {
  const [start, end] = [from, to].map((minutes) => instantOf(`${day}T${clockOf(minutes)}`, zone));
  return ((end ?? 0) - (start ?? 0)) / 60_000;
}

export function openRange(context: StaffContext, range: Range, usual_minutes: number): void {
  const { day, from, to } = range;
  const most = minutesIn(range, context.zone());
  const minutes = numberInput({
    name: "minutes",
    min: 5,
    max: most,
    value: Math.min(usual_minutes, most),
  });
  const capacity = numberInput({ name: "capacity", min: 1, max: 10_000, value: 1 });
  const preview = h("p", { class: "preview", "aria-live": "polite" });
  const slots = (): readonly NewSlot[] => {
    const length = minutes.valueAsNumber;
    return slotsOf(
      {
        ...{ date: day, time: clockOf(from), minutes: length, days: 1, isWithoutWeekends: false },
        ...{ count: Math.floor(most / length), capacity: capacity.valueAsNumber },
      },
      context.zone(),
    );
  };
  const show = () => {
    const count = minutes.checkValidity() ? slots().length : 0;
    setText(preview, texts.sheet.times(count));
  };
  minutes.addEventListener("input", show);
  openFormSheet(context.root, {
    heading: { id: "range-title", title: `${clockOf(from)} – ${clockOf(to)}` },
    lead: h("p", { class: "sheet-text" }, dayTitle(day, "", context.locale)),
    fields: [
      h(
        "div",
        { class: "pair even" },
        field(texts.sheet.minutesEach, minutes),
        field(texts.sheet.placesEach, capacity),
      ),
      preview,
    ],
    yes: texts.opening.open,
    save: async (dialog) => {
      const calendar = context.calendar();
      if (calendar === undefined) return;
      const made: string[] = [];
      for (const batch of batchesOf(slots(), MOST_SLOTS))
        made.push(...(await calendar.openSlots(batch)).map(({ id }) => id));
      dialog.close();
      context.toasts.say(texts.opening.opened(made.length), "good", () => {
        void context.run(async () => {
          for (const slot of made) await calendar.remove(slot);
        });
      });
    },
  });
  show();
  minutes.select();
}
