/** The form for opening hours. It saves only what it has previewed. */

import { button } from "../../ui/button";
import { openOnce, sheet } from "../../ui/dialog/dialog";
import { field, numberInput, Problem } from "../../ui/field";
import { type ScheduleAnswer, SlotcastError, type StaffCalendar } from "../../client";
import { h } from "../../ui/dom";
import { ListField } from "./list_field";
import { outcomeLines } from "./outcome";
import { ruleField } from "./rule_field";
import {
  type Closed,
  dayName,
  type Day,
  DAYS,
  type Hours,
  outcomeText,
  type Plan,
  type RuleHours,
  planOf,
  problemOf,
  restText,
  type Schedule,
  scheduleOf,
} from "./schedule";
import { dayKey, type Locale, zoneText } from "../../ui/time";
import { adviceFor, texts } from "../texts";

export interface ScheduleSetting {
  readonly calendar: StaffCalendar;
  readonly zone: string;
  readonly locale: Locale;
  readonly now: number;
  readonly saved: (text: string) => void;
}

const WORKDAYS: readonly Day[] = ["tue", "wed", "thu", "fri"];

export async function askForSchedule(root: HTMLElement, setting: ScheduleSetting): Promise<void> {
  const schedule = (await setting.calendar.schedule()) as Schedule | null;
  new ScheduleForm(schedule, setting).open(root);
}

class ScheduleForm {
  readonly #before: Schedule | null;
  readonly #setting: ScheduleSetting;
  readonly #dialog: HTMLDialogElement;
  readonly #form: HTMLFormElement;
  readonly #week: Readonly<Record<Day, ListField<Hours>>>;
  readonly #closed: ListField<Closed>;
  readonly #rules: ListField<RuleHours>;
  readonly #minutes = numberInput({ min: 1, max: 1_440 });
  readonly #capacity = numberInput({ min: 1, max: 10_000 });
  readonly #horizon = numberInput({ min: 1, max: 1_830 });
  readonly #from = h("input", { type: "date", required: true });
  readonly #until = h("input", { type: "date" });
  readonly #outcome = h("div", { class: "outcome", "aria-live": "polite" });
  readonly #problem = new Problem();
  readonly #preview = button(texts.hours.preview, undefined, { type: "submit", kind: "wide" });
  readonly #save = button(texts.sheet.save, () => void this.#onSave(), { kind: "primary wide" });
  /** The previewed schedule, ready to be saved. */
  #previewed: (Schedule & Record<string, unknown>) | undefined;

  constructor(before: Schedule | null, setting: ScheduleSetting) {
    this.#before = before;
    this.#setting = setting;
    const fields = DAYS.map((day) => [day, this.#hoursField(day)] as const);
    this.#week = Object.fromEntries(fields) as Record<Day, ListField<Hours>>;
    this.#closed = this.#closedField();
    this.#rules = ruleField(() => this.#changed());
    this.#fill(planOf(before, dayKey(setting.now, setting.zone)));
    this.#save.disabled = true;
    this.#form = h("form", { class: "form", oninput: () => this.#changed() }, ...this.#fields());
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#onPreview();
    });
    this.#dialog = this.#sheet();
  }

  open(root: HTMLElement): void {
    openOnce(root, this.#dialog);
  }

  #sheet(): HTMLDialogElement {
    const close = h(
      "button",
      { type: "button", class: "close", "aria-label": texts.sheet.close },
      "✕",
    );
    close.addEventListener("click", () => this.#dialog.close());
    const { zone, now } = this.#setting;
    const text = texts.hours.text(zoneText(zone, now));
    return sheet(
      { id: "hours-title", title: texts.hours.title, kind: "wide-sheet" },
      h("p", { class: "sheet-text" }, text),
      close,
      this.#form,
    );
  }

  #fields(): readonly (HTMLElement | false)[] {
    const copyMonday = () => {
      for (const day of WORKDAYS) this.#week[day].value = this.#week.mon.value;
      this.#changed();
    };
    const same = button(texts.hours.sameAsMonday, copyMonday, { kind: "small" });
    const rest = restText(this.#before);
    return [
      h("div", { class: "week" }, ...DAYS.map((day) => this.#week[day].element)),
      h("div", { class: "actions" }, same),
      h(
        "div",
        { class: "trio" },
        field(texts.sheet.minutesEach, this.#minutes),
        field(texts.sheet.placesEach, this.#capacity),
        field(texts.hours.daysAhead, this.#horizon),
      ),
      h(
        "div",
        { class: "pair even" },
        field(texts.hours.firstDay, this.#from),
        field(texts.hours.lastDay, this.#until, texts.hours.optional),
      ),
      this.#closed.element,
      this.#rules.element,
      rest !== "" && h("p", { class: "preview" }, rest),
      this.#problem.element,
      this.#outcome,
      h("div", { class: "actions pinned" }, this.#preview, this.#save),
    ];
  }

  #hoursField(day: Day): ListField<Hours> {
    const name = dayName(day);
    return new ListField<Hours>({
      legend: name,
      none: texts.hours.none,
      add: texts.hours.add,
      fresh: () => afterThe(this.#week[day].value.at(-1)),
      entry: ({ start, end }) => {
        const make = (value: string, label: string) =>
          h("input", { type: "time", value, required: true, "aria-label": label });
        const [from, to] = [make(start, texts.hours.from(name)), make(end, texts.hours.to(name))];
        const dash = h("span", { "aria-hidden": "true" }, "–");
        return { controls: [from, dash, to], read: () => ({ start: from.value, end: to.value }) };
      },
      name: ({ start, end }) => texts.hours.span(name, start, end),
      changed: () => this.#changed(),
    });
  }

  #closedField(): ListField<Closed> {
    return new ListField<Closed>({
      legend: texts.hours.closedOn,
      none: texts.hours.noDay,
      add: texts.hours.addClosed,
      fresh: () => ({ from: "", until: "" }),
      entry: ({ from, until, name }) => {
        const make = (value: string, label: string, required: boolean) =>
          h("input", { type: "date", value, required, "aria-label": label });
        const [first, last] = [
          make(from, texts.hours.closedFrom, true),
          make(until, texts.hours.closedUntil, false),
        ];
        const dash = h("span", { "aria-hidden": "true" }, "–");
        const read = () => ({ from: first.value, until: last.value, ...(name && { name }) });
        const reason = name ? [h("span", {}, name)] : [];
        return { controls: [first, dash, last, ...reason], read };
      },
      name: ({ from }) => texts.hours.closedDays(from),
      changed: () => this.#changed(),
    });
  }

  #fill(plan: Plan): void {
    for (const day of DAYS) this.#week[day].value = plan.week[day];
    this.#minutes.value = String(plan.slot_minutes);
    this.#capacity.value = String(plan.capacity);
    this.#horizon.value = String(plan.horizon_days);
    this.#from.value = plan.from;
    this.#until.value = plan.until;
    this.#closed.value = plan.closed;
    this.#rules.value = plan.rules;
  }

  #plan(): Plan {
    return {
      week: Object.fromEntries(DAYS.map((day) => [day, this.#week[day].value])) as Plan["week"],
      slot_minutes: this.#minutes.valueAsNumber,
      capacity: this.#capacity.valueAsNumber,
      from: this.#from.value,
      until: this.#until.value,
      horizon_days: this.#horizon.valueAsNumber,
      closed: this.#closed.value,
      rules: this.#rules.value,
    };
  }

  /** Drops the preview after an edit. */
  #changed(): void {
    this.#previewed = undefined;
    this.#save.disabled = true;
    this.#problem.show("");
    this.#outcome.replaceChildren();
  }

  async #onPreview(): Promise<void> {
    this.#changed();
    const plan = this.#plan();
    const problem = problemOf(plan);
    if (problem !== "") return this.#fail(problem);
    const schedule = scheduleOf(plan, this.#before);
    const outcome = await this.#send(() => this.#setting.calendar.setSchedule(schedule, true));
    if (outcome === undefined) return;
    this.#previewed = schedule;
    this.#save.disabled = false;
    this.#show(outcome);
  }

  async #onSave(): Promise<void> {
    const schedule = this.#previewed;
    if (schedule === undefined) return;
    const outcome = await this.#send(() => this.#setting.calendar.setSchedule(schedule));
    if (outcome === undefined) return;
    this.#dialog.close();
    this.#setting.saved(outcomeText(outcome, true));
  }

  /** Locks the form during a request, since its answer belongs to these fields. */
  async #send(ask: () => Promise<ScheduleAnswer>): Promise<ScheduleAnswer | undefined> {
    const body = this.#dialog.querySelector(".sheet-body") as HTMLElement;
    const focused = document.activeElement as HTMLElement | null;
    body.inert = true;
    try {
      return await ask();
    } catch (error) {
      const isTold = error instanceof SlotcastError && error.code === "bad_request";
      this.#fail(isTold ? error.message : adviceFor(error));
      return undefined;
    } finally {
      body.inert = false;
      focused?.focus();
    }
  }

  #fail(text: string): void {
    this.#problem.show(text);
    this.#problem.element.scrollIntoView({ block: "nearest" });
  }

  #show(outcome: ScheduleAnswer): void {
    this.#outcome.replaceChildren(...outcomeLines(outcome, this.#setting));
    this.#outcome.scrollIntoView({ block: "nearest" });
  }
}

/** Suggests the afternoon after a morning, else a working day. */
const afterThe = (last: Hours | undefined): Hours =>
  last !== undefined && last.end > last.start && last.end < "22:00"
    ? { start: later(last.end, 1), end: later(last.end, 2) }
    : { start: "09:00", end: "17:00" };

const later = (time: string, hours: number): string =>
  `${String(Number(time.slice(0, 2)) + hours).padStart(2, "0")}${time.slice(2)}`;
