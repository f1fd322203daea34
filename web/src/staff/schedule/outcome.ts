/** What a schedule does, or has done, as the lines of a preview. */

import type { ScheduleAnswer } from "../../client";
import { h } from "../../ui/dom";
import { dayKey, dayTitle, type Locale, timeText } from "../../ui/time";
import { keptText, outcomeText, overlapText } from "./schedule";
import { texts } from "../texts";

export interface OutcomeSetting {
  readonly zone: string;
  readonly locale: Locale;
  readonly now: number;
}

const MOST_KEPT = 8;

export function outcomeLines(
  outcome: ScheduleAnswer,
  { zone, locale, now }: OutcomeSetting,
): readonly HTMLElement[] {
  const words = (start: string) => {
    const at = Date.parse(start);
    const day = dayTitle(dayKey(at, zone), dayKey(now, zone), locale);
    return `${day}, ${timeText(at, zone, locale)}`;
  };
  const { kept } = outcome;
  const more = kept.length - MOST_KEPT;
  const lines = [
    h("p", { class: "outcome-line" }, outcomeText(outcome, false)),
    ...(outcome.warnings ?? []).map(({ start }) => h("p", {}, overlapText(words(start)))),
  ];
  if (kept.length === 0) return lines;
  const items = kept.slice(0, MOST_KEPT).map(({ start }) => h("li", {}, words(start)));
  const rest = more > 0 && h("li", {}, texts.hours.andMore(more));
  return [...lines, h("p", {}, keptText(kept.length)), h("ul", {}, ...items, rest)];
}
