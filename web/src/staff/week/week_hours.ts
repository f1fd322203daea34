/** The opening hours behind the week grid: read once, read again after a change of them, and resized
 * after a preview. */

import type { CalendarEvent, StaffCalendar } from "../../client";
import { ask } from "../../ui/dialog/confirm";
import { h } from "../../ui/dom";
import { dayKey } from "../../ui/time";
import { edgesOf, type HoursEdge, isNextDay, withEdgeAt } from "../schedule/hours_edge";
import { outcomeLines } from "../schedule/outcome";
import { dayName, outcomeText, type Schedule } from "../schedule/schedule";
import type { StaffContext } from "../staff_context";
import { clockOf } from "./grid_layout";
import { texts } from "../texts";

export class WeekHours {
  readonly #context: StaffContext;
  #calendar: StaffCalendar | undefined;
  #schedule: Schedule | null = null;
  #isFresh = false;

  constructor(context: StaffContext) {
    this.#context = context;
  }

  choose(calendar: StaffCalendar): (event: CalendarEvent) => void {
    this.#calendar = calendar;
    this.#schedule = null;
    this.#isFresh = false;
    return (event) => {
      if (event.kind === "change" && event.change.type !== "schedule.changed") return;
      if (this.#calendar === calendar) this.#isFresh = false;
    };
  }

  /** Returns the edges that the caller may move: none of the past, and none for a viewer. */
  edges(days: readonly string[]): readonly HoursEdge[] {
    const calendar = this.#calendar;
    if (calendar === undefined || !this.#context.mayChange() || calendar.info?.archived) return [];
    if (!this.#isFresh) void this.#read(calendar);
    const today = dayKey(this.#context.now(), this.#context.zone());
    return days.flatMap((day) => (day < today ? [] : edgesOf(this.#schedule, day)));
  }

  /** Whether some hours follow a rule. Only the form can change those. */
  get hasRules(): boolean {
    return this.#schedule?.windows.some(({ rrule }) => rrule !== undefined) ?? false;
  }

  /** Shows what the hours with the edge moved would do, and saves them if that is meant. */
  async resize(edge: HoursEdge, minutes: number): Promise<void> {
    const { root, locale } = this.#context;
    await this.#context.attempt(async (calendar) => {
      const schedule = await this.#moved(calendar, edge, minutes);
      if (schedule === undefined) return;
      const outcome = await calendar.setSchedule(schedule, true);
      const [zone, now] = [this.#context.zone(), this.#context.now()];
      const { openAt, closeAt } = texts.week;
      const title = edge.side === "start" ? openAt : closeAt;
      const isOver = isNextDay(edge);
      const shown = (at: number) => (isOver ? texts.week.nextDay(clockOf(at)) : clockOf(at));
      const isMeant = await ask(root, {
        title: title(dayName(edge.weekday), shown(minutes)),
        text: texts.week.was(shown(edge.at)),
        details: [h("div", { class: "outcome" }, ...outcomeLines(outcome, { zone, locale, now }))],
        yes: texts.week.saveHours,
        no: texts.week.leaveHours,
      });
      if (!isMeant) return;
      const done = await calendar.setSchedule(schedule);
      this.#forget();
      const undo = () => void this.#context.run(() => this.#undo(calendar, edge, minutes));
      this.#context.toasts.say(outcomeText(done, true), "good", undo);
    });
  }

  async #undo(calendar: StaffCalendar, edge: HoursEdge, minutes: number): Promise<void> {
    const schedule = await this.#moved(calendar, { ...edge, at: minutes }, edge.at);
    if (schedule !== undefined) await calendar.setSchedule(schedule);
    this.#forget();
  }

  /** Returns the newest schedule with the edge moved, unless somebody has changed these hours. */
  async #moved(calendar: StaffCalendar, edge: HoursEdge, minutes: number) {
    const schedule = withEdgeAt((await calendar.schedule()) as Schedule | null, edge, minutes);
    if (schedule === undefined) {
      this.#forget();
      this.#context.toasts.say(texts.week.hoursChanged, "bad");
    }
    return schedule;
  }

  /** Reads the hours again. Without a changed slot there is no change that says so. */
  #forget(): void {
    this.#isFresh = false;
    this.#context.changed();
  }

  async #read(calendar: StaffCalendar): Promise<void> {
    this.#isFresh = true;
    try {
      const schedule = (await calendar.schedule()) as Schedule | null;
      if (this.#calendar !== calendar) return;
      this.#schedule = schedule;
      this.#context.changed();
    } catch {
      // Without an answer there is no edge to move. The next snapshot asks again.
    }
  }
}
