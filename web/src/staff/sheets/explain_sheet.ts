/** The sheet with every rule for taking a slot: which of them refuse it, and why. */

import { button } from "../../ui/button";
import type { ExplainedRule, Slot } from "../../client";
import { closeOnBackdrop, openOnce, sheet } from "../../ui/dialog/dialog";
import { h, setText } from "../../ui/dom";
import { Problem } from "../../ui/field";
import type { StaffContext } from "../staff_context";
import { adviceFor, isEnglish, texts } from "../texts";

export function explainSlot(context: StaffContext, slot: Slot): void {
  const calendar = context.calendar();
  if (calendar === undefined) return;
  const outcome = h("p", { class: "sheet-text", role: "status" });
  const list = h("ul", { class: "checks", "aria-label": texts.explain.rules });
  const problem = new Problem();
  const dialog = sheet(
    { id: "explain-title", title: texts.explain.title, isForm: true },
    outcome,
    list,
    problem.element,
    h(
      "div",
      { class: "actions" },
      button(texts.sheet.done, () => dialog.close(), { kind: "quiet" }),
    ),
  );
  closeOnBackdrop(dialog);
  openOnce(context.root, dialog);
  void calendar
    .explain(slot.id)
    .then(({ bookable, rules }) => {
      setText(outcome, bookable ? texts.explain.yes : texts.explain.no);
      list.replaceChildren(...rules.map(ruleItem));
    })
    .catch((error) => problem.show(adviceFor(error)));
}

const NAMES = (): Readonly<Record<string, string>> => texts.explain.rule;

/** The server's own reason is in English. It has the figures, and stands where no text is known. */
function reasonOf(rule: string, message: string | undefined): string {
  if (isEnglish() && message !== undefined) return message;
  const known: Readonly<Record<string, string>> = texts.over.rules;
  return known[rule] ?? message ?? "";
}

function ruleItem({ rule, ok, message }: ExplainedRule): HTMLElement {
  const item = h(
    "li",
    { class: "check" },
    h("span", { class: "check-mark", "aria-hidden": "true" }, ok ? "✓" : "✕"),
    h(
      "span",
      {},
      h("span", { class: "unseen" }, ok ? texts.explain.passes : texts.explain.refuses),
      NAMES()[rule] ?? rule,
      !ok && h("small", { class: "check-why" }, reasonOf(rule, message)),
    ),
  );
  item.dataset.ok = String(ok);
  item.dataset.rule = rule;
  return item;
}
