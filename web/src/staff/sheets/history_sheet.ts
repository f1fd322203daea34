/** The sheet with the history of a slot or booking: who did what, and when. */

import { button } from "../../ui/button";
import { closeOnBackdrop, openOnce, sheet } from "../../ui/dialog/dialog";
import { Problem } from "../../ui/field";
import type { HistoryEntry, HistoryPage, StaffCalendar } from "../../client";
import { h } from "../../ui/dom";
import { dayKey, dayTitle, type Locale, timeText } from "../../ui/time";
import { adviceFor, texts } from "../texts";

const ENTRIES_A_PAGE = 20;

export interface HistorySetting {
  readonly zone: string;
  readonly locale: Locale;
}

export function showHistory(
  root: HTMLElement,
  calendar: StaffCalendar,
  about: HistoryPage,
  setting: HistorySetting,
): void {
  const problem = new Problem();
  const list = h("ul", { class: "sheet-text", "aria-label": texts.history.title });
  let before: number | undefined;
  const load = async () => {
    problem.show("");
    older.disabled = true;
    try {
      const from = before === undefined ? {} : { before };
      const page = await calendar.history({ ...about, ...from, limit: ENTRIES_A_PAGE });
      list.append(...page.entries.map((entry) => h("li", {}, entryText(entry, setting))));
      if (list.childElementCount === 0) list.append(h("li", {}, texts.history.none));
      before = page.next;
      older.hidden = before === undefined;
    } catch (error) {
      problem.show(adviceFor(error));
      older.hidden = false;
    } finally {
      older.disabled = false;
    }
  };
  const older = button(texts.history.older, () => void load(), { kind: "small" });
  older.hidden = true;
  const dialog = sheet(
    { id: "history-title", title: texts.history.title, isForm: true },
    list,
    problem.element,
    h(
      "div",
      { class: "actions" },
      older,
      button(texts.sheet.done, () => dialog.close(), { kind: "quiet" }),
    ),
  );
  closeOnBackdrop(dialog);
  openOnce(root, dialog);
  void load();
}

/** Returns an entry as one line of text. */
export function entryText(entry: HistoryEntry, { zone, locale }: HistorySetting): string {
  const at = Date.parse(entry.at);
  const when = `${dayTitle(dayKey(at, zone), "", locale)}, ${timeText(at, zone, locale)}`;
  const who = [entry.sub, entry.address].filter((part) => part !== undefined).join(", ");
  const actor = `${texts.history.actors[entry.actor]}${who && ` (${who})`}`;
  const over =
    entry.overridden === undefined ? "" : texts.history.over(entry.overridden.join(", "));
  const deeds: Readonly<Record<string, string>> = texts.history.deeds;
  return texts.history.entry(when, deeds[entry.command] ?? entry.command, actor, over);
}
