/** The customer's answers to the calendar's questions, from a booking's `data`. */

import type { StaffBooking } from "../../client";

/** Returns a line for each answer. Other programs may have put anything into `data`. */
export function answersOf({ data }: Pick<StaffBooking, "data">): readonly string[] {
  const { answers } = (typeof data === "object" && data !== null ? data : {}) as {
    readonly answers?: unknown;
  };
  if (typeof answers !== "object" || answers === null || Array.isArray(answers)) return [];
  return Object.entries(answers).flatMap(([question, answer]) =>
    typeof answer === "string" && answer !== "" ? [`${question} ${answer}`] : [],
  );
}
