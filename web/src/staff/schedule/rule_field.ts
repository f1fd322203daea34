/** The hours of a schedule that follow a rule of RFC 5545, such as each first Saturday of a month. The
 * server reads the rule. */

import { h } from "../../ui/dom";
import { texts } from "../texts";
import { ListField } from "./list_field";
import type { RuleHours } from "./schedule";

const FIRST_SATURDAY = "FREQ=MONTHLY;BYDAY=1SA";

export function ruleField(changed: () => void): ListField<RuleHours> {
  return new ListField<RuleHours>({
    legend: texts.hours.byRule,
    none: texts.hours.noRule,
    add: texts.hours.addRule,
    fresh: () => ({ rrule: FIRST_SATURDAY, start: "09:00", end: "12:00" }),
    entry: ({ rrule, start, end, origin }) => {
      const rule = h("input", { name: "rrule", value: rrule, required: true, maxlength: 500 });
      rule.ariaLabel = texts.hours.rule;
      rule.spellcheck = false;
      const clock = (value: string, label: string) =>
        h("input", { type: "time", value, required: true, "aria-label": label });
      const from = clock(start, texts.hours.from(texts.hours.rule));
      const to = clock(end, texts.hours.to(texts.hours.rule));
      const dash = h("span", { "aria-hidden": "true" }, "–");
      return {
        controls: [rule, from, dash, to],
        read: () => ({
          rrule: rule.value.trim(),
          start: from.value,
          end: to.value,
          ...(origin && { origin }),
        }),
      };
    },
    name: ({ rrule }) => rrule,
    changed,
  });
}
