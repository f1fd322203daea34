/** The sheet with the history of a slot or booking: who did what, and when. */

import { button } from "../ui/button";
import { closeOnBackdrop, openOnce, sheet } from "../ui/dialog/dialog";
import { Problem } from "../ui/field";
import type { HistoryEntry, HistoryPage, StaffCalendar } from "../client";
import { adviceFor } from "../ui/feedback/advice";
import { h } from "../ui/dom";
import { dayKey, dayTitle, type Locale, timeText } from "../ui/time";

const ENTRIES_A_PAGE = 20;

const DEEDS: Readonly<Record<string, string>> = {
  "slot.open": "Opened",
  "slot.update": "Changed",
  "slot.close": "Closed",
  "slot.reopen": "Reopened",
  "slot.remove": "Removed",
  "slot.hold": "Put on hold",
  "hold.extend": "Hold extended",
  "hold.release": "Hold given back",
  "hold.expire": "Hold expired",
  "slot.book": "Booked",
  "booking.confirm": "Confirmed",
  "booking.reject": "Rejected",
  "booking.expire": "Rejected without an answer",
  "booking.cancel": "Cancelled",
  "booking.reschedule": "Moved",
  "booking.update": "Corrected",
  "booking.no_show": "Did not come",
  "booking.reinstate": "Reinstated",
  "booking.erase": "Customer erased",
  "schedule.set": "Opening hours set",
  "schedule.fill": "Opened by the opening hours",
  "busy.set": "Busy times changed",
  "busy.remove": "Busy times removed",
  "calendar.update": "Calendar changed",
  "calendar.archive": "Calendar archived",
  "calendar.restore": "Calendar restored",
  "calendar.repair": "Repaired",
  "outside.take": "Written",
};

const ACTORS: Readonly<Record<HistoryEntry["actor"], string>> = {
  staff: "staff",
  holder: "the customer",
  guest: "a customer",
  server: "the server",
  outside: "another program",
};

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
  const list = h("ul", { class: "sheet-text", "aria-label": "History" });
  let before: number | undefined;
  const load = async () => {
    problem.show("");
    older.disabled = true;
    try {
      const from = before === undefined ? {} : { before };
      const page = await calendar.history({ ...about, ...from, limit: ENTRIES_A_PAGE });
      list.append(...page.entries.map((entry) => h("li", {}, entryText(entry, setting))));
      if (list.childElementCount === 0) list.append(h("li", {}, "Nothing is known any more."));
      before = page.next;
      older.hidden = before === undefined;
    } catch (error) {
      problem.show(adviceFor(error));
      older.hidden = false;
    } finally {
      older.disabled = false;
    }
  };
  const older = button("Older", () => void load(), { kind: "small" });
  older.hidden = true;
  const dialog = sheet(
    { id: "history-title", title: "History", isForm: true },
    list,
    problem.element,
    h(
      "div",
      { class: "actions" },
      older,
      button("Done", () => dialog.close(), { kind: "quiet" }),
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
  const actor = `${ACTORS[entry.actor]}${entry.sub === undefined ? "" : ` (${entry.sub})`}`;
  const over = entry.overridden === undefined ? "" : `, over ${entry.overridden.join(", ")}`;
  return `${when}: ${DEEDS[entry.command] ?? entry.command} by ${actor}${over}`;
}
