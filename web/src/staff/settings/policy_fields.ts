/** Every field of a policy, with its explanation for staff. */

import type { Policy } from "../../client";
import { texts } from "../texts";

export interface PolicyField {
  readonly name: keyof Policy & keyof typeof texts.policy.label;
  readonly label: string;
  readonly hint: string;
  readonly kind: "duration" | "count" | "choice" | "line" | "questions";
  /** The text for null. */
  readonly none?: string;
  readonly min?: number;
  readonly choices?: readonly (readonly [value: string, text: string])[];
}

export const policyFields = (): readonly PolicyField[] =>
  fields().map((one) => ({
    ...one,
    label: texts.policy.label[one.name],
    hint: texts.policy.hint[one.name],
  }));

const fields = (): readonly Omit<PolicyField, "label" | "hint">[] => [
  {
    name: "confirmation",
    kind: "choice",
    choices: [
      ["none", texts.policy.standsAtOnce],
      ["staff", texts.policy.staffConfirm],
    ],
  },
  {
    name: "pending_seconds",
    kind: "duration",
    none: texts.policy.untilStart,
    min: 1,
  },
  {
    name: "min_notice",
    kind: "duration",
  },
  {
    name: "max_advance",
    kind: "duration",
    none: texts.policy.noLimit,
  },
  {
    name: "cancel_notice",
    kind: "duration",
  },
  {
    name: "hold_seconds",
    kind: "duration",
    min: 1,
  },
  {
    name: "max_holds",
    kind: "count",
    min: 1,
  },
  {
    name: "max_bookings",
    kind: "count",
    none: texts.policy.noLimit,
    min: 1,
  },
  {
    name: "max_bookings_per_day",
    kind: "count",
    none: texts.policy.noLimit,
    min: 1,
  },
  {
    name: "overlap",
    kind: "choice",
    choices: [
      ["reject", texts.policy.onlyOne],
      ["allow", texts.policy.allOfThem],
    ],
  },
  {
    name: "buffer_before",
    kind: "duration",
  },
  {
    name: "buffer_after",
    kind: "duration",
  },
  {
    name: "place",
    kind: "line",
  },
  {
    name: "phone",
    kind: "choice",
    choices: [
      ["off", texts.policy.phoneOff],
      ["optional", texts.policy.phoneOptional],
      ["required", texts.policy.phoneRequired],
    ],
  },
  {
    name: "verification",
    kind: "choice",
    choices: [
      ["none", texts.policy.verifyNone],
      ["email", texts.policy.verifyEmail],
      ["proof", texts.policy.verifyProof],
    ],
  },
  {
    name: "questions",
    kind: "questions",
  },
];
