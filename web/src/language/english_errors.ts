/** The English texts of errors: each has the next step. */

import type { ErrorCode } from "../client/error.ts";

/** A code without a sentence does not compile. */
const errors: Readonly<Record<ErrorCode, string>> = {
  slot_unavailable: "Someone was a moment faster and that time is taken. Please pick another one.",
  capacity_exceeded: "There are not that many places left. Try fewer, or another time.",
  hold_expired: "Your hold has lapsed. If the time is still free, you can take it again.",
  hold_not_yours:
    "The server does not accept your hold on this time any more. Please choose another time, or this one once it is free.",
  limit_exceeded: "You have as many times as you may. Let one go first.",
  too_soon: "This time starts too soon to be booked here. Please pick a later one.",
  too_far: "This time is too far ahead to be booked yet.",
  outside_cancellation_window: "It is too late to change this here. Please get in touch directly.",
  policy_refused: "The calendar’s rules do not allow this. Please pick another time.",
  invalid_transition: "That is no longer possible, because something else changed meanwhile.",
  version_conflict: "It has changed since you looked. Have another look and try again.",
  not_found: "It is gone. It may have been removed a moment ago.",
  unauthorized: "You need a valid link for this. Ask whoever sent it to you for a new one.",
  forbidden: "You are not allowed to do that.",
  blocked: "You can’t book here at the moment. Please get in touch directly.",
  rate_limited: "That was a lot at once. Wait a moment, then try again.",
  overloaded: "The server is busy. Wait a moment, then try again.",
  timeout: "No answer came. Nothing is booked twice if you try again.",
  unreachable: "We could not get through. Check your connection, then try again.",
  bad_request: "That was not accepted. Check what you entered, then try again.",
  method_not_allowed: "That was not accepted. Please load the page again, then try again.",
  payload_too_large: "That was too much at once. Please send less.",
  unsupported_encoding: "That was not accepted. Please load the page again, then try again.",
  idempotency_mismatch: "Please try that again.",
  already_exists: "That address is taken. Please choose another one.",
  cursor_gone: "It has changed a lot since you looked. Please load the page again.",
  internal: "Something went wrong on our side. Please try again in a moment.",
  closed: "This page was closed. Please load it again.",
};

export const ENGLISH_ERRORS = {
  errors,
  /** Texts for rules with more to say than their code. */
  rules: {
    origin: "The server does not take requests of this page. Its operator can allow the page.",
    archived: "This calendar is closed. Nothing new can be booked here.",
    mails: "The code was sent already. Please look into the spam folder, too.",
    not_begun: "That can be noted once the time has begun.",
    max_bookings:
      "You have as many bookings here as one person may. Cancel one first, or wait until one is over.",
    max_bookings_per_day:
      "You have as many bookings on that day as one person may. Please pick another day.",
  },
  /** Texts for fields of a form that the server checks by more than their length. */
  fields: {
    "customer.name": "That name can’t be taken. Please write it in one line.",
    "customer.email": "That is no e-mail address. Please check it.",
    "customer.note": "That note can’t be taken. Please shorten it.",
    "customer.phone": "A phone number is needed here, like +43 1 234 56 78. Please check it.",
    "data.answers": "An answer is missing or was not accepted. Please check your answers.",
  },
  /** For a code that this page does not know yet. */
  unknown: "Something went wrong. Please try again in a moment.",
};
