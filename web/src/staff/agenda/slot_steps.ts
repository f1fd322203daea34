/** The steps of a slot that staff ask for. Removing asks first; the others can be undone. */

import type { Slot, StaffCalendar } from "../../client";
import { ask } from "../../ui/dialog/confirm";
import { dayKey, dayTitle, timeText } from "../../ui/time";
import { explainSlot } from "../sheets/explain_sheet";
import { changeSlot } from "../sheets/slot_sheet";
import { showHistory } from "../sheets/history_sheet";
import type { StaffContext } from "../staff_context";
import { bookForCaller } from "../take/book_sheet";
import { texts } from "../texts";

export type SlotVerb = "book" | "close" | "reopen" | "change" | "remove" | "explain" | "history";

export function takeSlotStep(context: StaffContext, verb: SlotVerb, slot: Slot): void {
  const calendar = context.calendar();
  if (verb === "book") bookForCaller(context, slot);
  else if (verb === "change") changeSlot(context, slot);
  else if (verb === "explain") explainSlot(context, slot);
  else if (verb === "history" && calendar !== undefined) {
    const setting = { zone: context.zone(), locale: context.locale };
    showHistory(context.root, calendar, { slot: slot.id }, setting);
  } else void context.attempt((calendar) => take(context, calendar, verb, slot));
}

async function take(
  context: StaffContext,
  calendar: StaffCalendar,
  verb: SlotVerb,
  slot: Slot,
): Promise<void> {
  const undoing = (work: () => Promise<unknown>) => () => void context.run(() => work());
  if (verb === "close") {
    await calendar.closeSlot(slot.id);
    const undo = undoing(() => calendar.reopen(slot.id));
    context.toasts.say(texts.step.closed(slotText(context, slot)), "calm", undo);
  } else if (verb === "reopen") {
    await calendar.reopen(slot.id);
    const undo = undoing(() => calendar.closeSlot(slot.id));
    context.toasts.say(texts.step.reopened(slotText(context, slot)), "calm", undo);
  } else if (verb === "remove" && (await isMeant(context, slot))) {
    await calendar.remove(slot.id);
    const { start, end, capacity, data } = slot;
    const again = [{ start, end, capacity, ...(data !== undefined && { data }) }];
    const undo = undoing(() => calendar.openSlots(again));
    context.toasts.say(texts.step.removed(slotText(context, slot)), "calm", undo);
  }
}

const isMeant = (context: StaffContext, slot: Slot): Promise<boolean> =>
  ask(context.root, {
    title: texts.step.removeTitle,
    text: texts.step.removeText(slotText(context, slot)),
    yes: texts.step.removeYes,
    no: texts.sheet.keep,
    isGrave: true,
  });

/** `Monday, 30 November, 09:00 – 10:00` */
export function slotText(
  context: StaffContext,
  { start, end }: Pick<Slot, "start" | "end">,
): string {
  const { locale } = context;
  const [zone, at] = [context.zone(), Date.parse(start)];
  const day = dayTitle(dayKey(at, zone), dayKey(context.now(), zone), locale);
  return `${day}, ${timeText(at, zone, locale)} – ${timeText(Date.parse(end), zone, locale)}`;
}
