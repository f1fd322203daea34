/** The steps of a booking that staff ask for: each with its question, where there is no way back. */

import { pageHome } from "../../address/home";
import type { StaffBooking, StaffCalendar } from "../../client";
import { ask, type Question } from "../../ui/dialog/confirm";
import { copyLink } from "../../ui/dialog/clipboard";
import { askForBlock, blockable } from "../blocks/block_form";
import { showHistory } from "../sheets/history_sheet";
import { correctBooking } from "../sheets/correct_sheet";
import { askForMove } from "../sheets/move_sheet";
import type { StaffContext } from "../staff_context";
import { overText, withOverride } from "../take/override";
import { isolated, locale, texts } from "../texts";

export type BookingVerb =
  | "confirm"
  | "reject"
  | "cancel"
  | "noShow"
  | "reinstate"
  | "block"
  | "erase"
  | "correct"
  | "move"
  | "history"
  | "link";

/** The questions before actions without a way back. */
const GRAVE: Partial<
  Record<BookingVerb, (name: string) => Pick<Question, "title" | "text" | "yes">>
> = {
  cancel: (name) => ({
    title: texts.step.cancelTitle,
    text: texts.step.loses(name),
    yes: texts.step.cancelYes,
  }),
  reject: (name) => ({
    title: texts.step.rejectTitle,
    text: texts.step.loses(name),
    yes: texts.step.rejectYes,
  }),
  erase: (name) => ({
    title: texts.step.eraseTitle,
    text: texts.step.eraseText(name),
    yes: texts.step.eraseYes,
  }),
};

/** Resolves with true at once for a step with a way back, else by the answer of staff. */
async function isMeant(
  root: HTMLElement,
  verb: BookingVerb,
  booking: StaffBooking,
): Promise<boolean> {
  const question = GRAVE[verb]?.(isolated(booking.customer?.name ?? texts.agenda.person));
  return question === undefined || ask(root, { ...question, no: texts.sheet.keep, isGrave: true });
}

export function takeBookingStep(
  context: StaffContext,
  verb: BookingVerb,
  booking: StaffBooking,
): void {
  if (verb === "correct") correctBooking(context, booking);
  else if (verb === "move") askForMove(context, booking);
  else if (verb === "block")
    void context.attempt(async (calendar) => askForBlock(context, calendar, blockable(booking)));
  else
    void context.attempt(async (calendar) => {
      if (await isMeant(context.root, verb, booking)) await take(context, calendar, verb, booking);
    });
}

async function take(
  context: StaffContext,
  calendar: StaffCalendar,
  verb: BookingVerb,
  booking: StaffBooking,
): Promise<void> {
  const { id } = booking;
  const name = isolated(booking.customer?.name ?? texts.agenda.person);
  const back = () => void context.run(() => reinstate(context, calendar, booking));
  if (verb === "confirm") await calendar.confirm(id);
  else if (verb === "reinstate") await reinstate(context, calendar, booking);
  else if (verb === "erase") await calendar.erase(id);
  else if (verb === "history") {
    const setting = { zone: context.zone(), locale: context.locale };
    showHistory(context.root, calendar, { booking: id }, setting);
  } else if (verb === "link") {
    const link = bookingLink(calendar.id, id);
    if (await copyLink(context.root, texts.step.bookingLink, link, locale.texts))
      context.toasts.say(texts.step.copied);
  } else if (verb === "noShow") {
    await calendar.noShow(id);
    context.toasts.say(texts.step.noShow(name), "calm", back);
  } else if (verb === "reject") {
    await calendar.reject(id);
    context.toasts.say(texts.step.rejected(name), "calm", back);
  } else {
    await calendar.cancelBooking(id);
    context.toasts.say(texts.step.cancelled(name), "calm", back);
  }
}

/** The address of a booking on the staff page. */
export const bookingLink = (calendar: string, booking: string): string =>
  `${pageHome()}/staff?${new URLSearchParams({ calendar, booking })}`;

async function reinstate(
  context: StaffContext,
  calendar: StaffCalendar,
  { id, slot }: StaffBooking,
): Promise<void> {
  const question = { title: texts.step.reinstateTitle, yes: texts.step.reinstateYes };
  const answer = await withOverride(context.root, calendar, slot, question, (options) =>
    calendar.reinstateBooking(id, options),
  );
  if (answer?.overridden?.length)
    context.toasts.say(texts.step.reinstated(overText(answer.overridden)));
}
