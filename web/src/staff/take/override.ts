/** Requests of staff that may pass over rules: they are sent without `override` first, and sent
 * again with it once staff have read the rules and agreed. */

import { SlotcastError, type StaffCalendar } from "../../client";
import { ask } from "../../ui/dialog/confirm";
import { listed, texts } from "../texts";

type Names = Readonly<Record<string, string>>;

/** The rules that staff may pass over, each with its text. */
const rulesToPass = (): Names => texts.over.rules;

export const ruleText = (rule: string): string => rulesToPass()[rule] ?? rule;

/** `over the notice and the number of places`, or nothing. */
export function overText(overridden: readonly string[] | undefined): string {
  const short: Names = texts.over.names;
  const names = (overridden ?? []).map((rule) => short[rule] ?? rule);
  return names.length === 0 ? "" : texts.over.over(listed(names));
}

export interface OverrideQuestion {
  readonly title: string;
  readonly yes: string;
}

/** Returns the rule of a refusal that staff may pass over. */
export function passableRule(error: unknown): string | undefined {
  if (!(error instanceof SlotcastError)) return undefined;
  const rule = String(error.details.rule);
  return rule in rulesToPass() ? rule : undefined;
}

/** Returns the rules against taking the slot that staff may pass over. */
export async function rulesAgainst(calendar: StaffCalendar, slot: string): Promise<string[]> {
  const { rules } = await calendar.explain(slot);
  return rules.filter(({ rule, ok }) => !ok && rule in rulesToPass()).map(({ rule }) => rule);
}

/** Sends a request about taking `slot`. After a refusal that may be passed over, staff read every
 * such rule first. Resolves with undefined if they leave it. */
export async function withOverride<Answer>(
  root: HTMLElement,
  calendar: StaffCalendar,
  slot: string,
  question: OverrideQuestion,
  send: (options: { readonly override?: boolean }) => Promise<Answer>,
): Promise<Answer | undefined> {
  try {
    return await send({});
  } catch (error) {
    const refused = passableRule(error);
    if (refused === undefined) throw error;
    const known = await rulesAgainst(calendar, slot).catch(() => []);
    const rules = [...new Set([...known, refused])];
    const text = rules.map(ruleText).join(" ");
    const isMeant = await ask(root, { ...question, text, no: texts.over.leave, isGrave: true });
    return isMeant ? send({ override: true }) : undefined;
  }
}
