/** The steps of a booking that staff ask for: each with its question, where there is no way back. */

import { SlotcastError, type StaffBooking, type StaffCalendar } from "../client";
import { ask, type Question } from "../ui/dialog/confirm";
import type { BookingVerb } from "./agenda";

/** The questions before actions without a way back. */
const GRAVE: Partial<
  Record<BookingVerb, (name: string) => Pick<Question, "title" | "text" | "yes">>
> = {
  cancel: (name) => ({
    title: "Cancel this booking?",
    text: `${name} loses the time, and it becomes free for others at once.`,
    yes: "Cancel the booking",
  }),
  reject: (name) => ({
    title: "Reject this request?",
    text: `${name} loses the time, and it becomes free for others at once.`,
    yes: "Reject it",
  }),
  erase: (name) => ({
    title: "Erase this customer?",
    text: `${name} is forgotten for good: name, email, phone and note. The booking itself stays.`,
    yes: "Erase the customer",
  }),
};

/** The reasons against a reinstatement that staff may pass over. */
const PASSABLE: Readonly<Record<string, string>> = {
  capacity: "The time is full. It would be booked over its number of places.",
  overlap: "A booking at an overlapping time is in its way.",
  busy: "A busy time of another calendar is in its way.",
  closed: "The time is closed.",
};

/** Resolves with true at once for a step with a way back, else by the answer of staff. */
export async function isMeant(
  root: HTMLElement,
  verb: BookingVerb,
  booking: StaffBooking,
): Promise<boolean> {
  const question = GRAVE[verb]?.(booking.customer?.name ?? "This person");
  return question === undefined || ask(root, { ...question, no: "Keep it", isGrave: true });
}

export async function takeStep(
  root: HTMLElement,
  calendar: StaffCalendar,
  verb: BookingVerb,
  { id }: StaffBooking,
): Promise<void> {
  if (verb === "confirm") await calendar.confirm(id);
  else if (verb === "reject") await calendar.reject(id);
  else if (verb === "noShow") await calendar.noShow(id);
  else if (verb === "reinstate") await reinstate(root, calendar, id);
  else if (verb === "erase") await calendar.erase(id);
  else await calendar.cancelBooking(id);
}

async function reinstate(root: HTMLElement, calendar: StaffCalendar, id: string): Promise<void> {
  try {
    await calendar.reinstate(id);
  } catch (error) {
    const text = error instanceof SlotcastError && PASSABLE[String(error.details.rule)];
    if (!text) throw error;
    const question = { title: "Reinstate it all the same?", text, yes: "Reinstate it" };
    if (await ask(root, { ...question, no: "Leave it", isGrave: true }))
      await calendar.reinstate(id, { override: true });
  }
}
