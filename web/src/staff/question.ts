/** The questions before actions on a booking: those without a way back, and those over a rule. */

import type { Question } from "../ui/confirm";
import type { BookingVerb } from "./agenda";

/** The questions before actions without a way back. */
export const GRAVE: Partial<
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
export const PASSABLE: Readonly<Record<string, string>> = {
  capacity: "The time is full. It would be booked over its number of places.",
  overlap: "A booking at an overlapping time is in its way.",
  busy: "A busy time of another calendar is in its way.",
  closed: "The time is closed.",
};
