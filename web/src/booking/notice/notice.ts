/** The texts of notices: an empty board, a stale board, a late outcome. Pure. */

import type { Calendar, CalendarInfo, SlotcastError, State } from "../../client";
import { adviceFor } from "../../ui/feedback/advice";
import type { Settled } from "../own/booking_actions";

export interface Notice {
  readonly title: string;
  readonly text: string;
}

export function emptyNotice(
  calendar: Pick<Calendar, "isLoaded" | "slots">,
  refusal: SlotcastError | undefined,
  days: number,
  isFreeOnly: boolean,
): Notice | undefined {
  if (refusal?.code === "not_found") {
    return {
      title: "There is no such calendar",
      text: "Check the address, or ask whoever gave it to you.",
    };
  }
  if (refusal !== undefined) {
    // The server tells nobody which of the two it is.
    const none = "Without one, check the address: there may be no such calendar.";
    return { title: "This calendar is private", text: `${adviceFor(refusal)} ${none}` };
  }
  if (!calendar.isLoaded || days > 0) return undefined;
  return isFreeOnly && calendar.slots.length > 0
    ? {
        title: "Nothing is free",
        text: "As soon as a time is given back, it shows up here by itself.",
      }
    : {
        title: "No times yet",
        text: "As soon as some are opened, they show up here by themselves.",
      };
}

/** Returns the notice for a page whose origin the server does not list. */
export function originNotice(home: string, origin: string): Notice {
  const server = new URL(home).host;
  const mend =
    origin === "null"
      ? "A page that was opened as a file, or in a sandboxed frame, has no origin of its own: put it on a web server, and add that to SLOTCAST_ORIGINS; to try it out, add null."
      : `Whoever runs ${server} adds ${origin} to SLOTCAST_ORIGINS and restarts it.`;
  return { title: `${server} does not take this page`, text: mend };
}

/** Shorter breaks need no banner. The pill shows them. */
const PATIENCE_MS = 2_000;
const FIRST_PATIENCE_MS = 6_000;

export function staleNotice(
  state: State,
  isLoaded: boolean,
  away_ms: number,
  info: CalendarInfo | undefined,
  hasToken: boolean,
): string {
  if (state === "offline") {
    return "You are offline. What you see may be out of date; it catches up by itself.";
  }
  if (!isLoaded) {
    return state !== "live" && away_ms > FIRST_PATIENCE_MS
      ? "The server cannot be reached right now. This page keeps trying."
      : "";
  }
  if (state === "reconnecting" && away_ms > PATIENCE_MS) {
    return "The connection broke. What you see may be out of date; it catches up by itself.";
  }
  if (info?.archived) return "This calendar is closed. Nothing new can be booked here.";
  return info?.booking === "token" && !hasToken
    ? "You can see what is free. To book, you need a link from whoever runs this calendar."
    : "";
}

/** The end of a late outcome's sentence, by the booking's status. */
const OUTCOMES = {
  pending: "requested. It is kept for you until the other side has confirmed it.",
  confirmed: "booked.",
  cancelled: "cancelled.",
  rejected: "declined.",
  no_show: "missed.",
} as const;

/** Returns the text for a late outcome; none for a request that the visitor has given up. */
export function settledNotice(
  { pending, outcome, error }: Settled,
  when: string,
): { readonly text: string; readonly tone: "calm" | "good" | "bad" } | undefined {
  const { hold, booking } = outcome ?? {};
  if (pending.isUnwanted && booking === undefined) return undefined;
  if (error !== undefined) return { text: `${when}: ${adviceFor(error)}`, tone: "bad" };
  if (hold !== undefined) return { text: `${when} is held for you.`, tone: "good" };
  if (booking === undefined) return undefined;
  return { text: `${when}: ${OUTCOMES[booking.status]}`, tone: "calm" };
}
