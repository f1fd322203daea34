/** Closes the times of a day, after a question that names the bookings that stand. It can be undone. */

import type { StaffBooking, StaffCalendar } from "../../client";
import { ask } from "../../ui/dialog/confirm";
import { dayTitle, timeText } from "../../ui/time";
import { isStanding } from "../agenda/agenda_buttons";
import { rangeOf } from "../day/day_range";
import type { StaffContext } from "../staff_context";
import { isolated, texts } from "../texts";

/** The requests on their way at once. */
const AT_ONCE = 8;
const MOST_NAMES = 5;

export async function closeDay(context: StaffContext, day: string): Promise<void> {
  await context.attempt(async (calendar) => {
    const { from, to } = rangeOf({ day }, context.zone(), context.now());
    const { slots } = await calendar.look(from, to);
    const own = slots.filter(({ start }) => Date.parse(start) >= Date.parse(from));
    const open = own.filter(({ status }) => status !== "closed").map(({ id }) => id);
    const ids = new Set(own.map(({ id }) => id));
    const standing = calendar.bookings.filter((one) => ids.has(one.slot) && isStanding(one));
    const title = dayTitle(day, "", context.locale);
    if (open.length === 0) return context.toasts.say(texts.closing.noneOpen(title));
    const isMeant = await ask(context.root, {
      title: texts.closing.title(title),
      text: closingText(context, calendar, open.length, standing),
      yes: texts.closing.yes,
      no: texts.closing.no,
      isGrave: true,
    });
    if (!isMeant) return;
    await each(open, (slot) => calendar.closeSlot(slot));
    const undo = () => void context.run(async () => each(open, (slot) => calendar.reopen(slot)));
    context.toasts.say(texts.closing.done(title), "good", undo);
  });
}

function closingText(
  context: StaffContext,
  calendar: StaffCalendar,
  open: number,
  standing: readonly StaffBooking[],
): string {
  const closed = texts.closing.closed(open);
  if (standing.length === 0) return `${closed} ${texts.closing.nobody}`;
  const names = standing.slice(0, MOST_NAMES).map(({ slot, customer }) => {
    const start = calendar.slot(slot)?.start;
    const at = start && timeText(Date.parse(start), context.zone(), context.locale);
    return [at, isolated(customer?.name ?? texts.agenda.erased)].filter(Boolean).join(" ");
  });
  const more = standing.length - names.length;
  const who = `${names.join(", ")}${more > 0 ? texts.closing.andMore(more) : ""}`;
  return `${closed} ${texts.closing.stand(standing.length, who)}`;
}

async function each<Item>(items: readonly Item[], work: (item: Item) => Promise<unknown>) {
  for (let at = 0; at < items.length; at += AT_ONCE)
    await Promise.all(items.slice(at, at + AT_ONCE).map(work));
}
