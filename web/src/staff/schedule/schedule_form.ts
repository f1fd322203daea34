/** The form for opening hours. It saves only what it has previewed. */

import { button } from "../../ui/button";
import { openOnce, sheet } from "../../ui/dialog/dialog";
import { field, numberInput, Problem } from "../../ui/field";
import { type ScheduleAnswer, SlotcastError, type StaffCalendar } from "../../client";
import { adviceFor } from "../../ui/feedback/advice";
import { h } from "../../ui/dom";
import { ListField } from "./list_field";
import {
  type Closed,
  DAY_NAMES,
  type Day,
  DAYS,
  type Hours,
  keptText,
  outcomeText,
  overlapText,
  type Plan,
  planOf,
  problemOf,
  restText,
  type Schedule,
  scheduleOf,
} from "./schedule";
import { dayKey, dayTitle, type Locale, timeText, zoneText } from "../../ui/time";

export interface ScheduleSetting {
  readonly calendar: StaffCalendar;
  readonly zone: string;
  readonly locale: Locale;
  readonly now: number;
  readonly saved: (text: string) => void;
}

const WORKDAYS: readonly Day[] = ["tue", "wed", "thu", "fri"];
const MOST_KEPT = 8;

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
  readonly #minutes = numberInput({ min: 1, max: 1_440 });
  readonly #capacity = numberInput({ min: 1, max: 10_000 });
  readonly #horizon = numberInput({ min: 1, max: 1_830 });
  readonly #from = h("input", { type: "date", required: true });
  readonly #until = h("input", { type: "date" });
  readonly #outcome = h("div", { class: "outcome", "aria-live": "polite" });
  readonly #problem = new Problem();
  readonly #preview = button("Preview", undefined, { type: "submit", kind: "wide" });
  readonly #save = button("Save", () => void this.#onSave(), { kind: "primary wide" });
  /** The previewed schedule, ready to be saved. */
  #previewed: (Schedule & Record<string, unknown>) | undefined;

  constructor(before: Schedule | null, setting: ScheduleSetting) {
    this.#before = before;
    this.#setting = setting;
    const fields = DAYS.map((day) => [day, this.#hoursField(day)] as const);
    this.#week = Object.fromEntries(fields) as Record<Day, ListField<Hours>>;
    this.#closed = this.#closedField();
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
    const close = h("button", { type: "button", class: "close", "aria-label": "Close" }, "✕");
    close.addEventListener("click", () => this.#dialog.close());
    const { zone, now } = this.#setting;
    const text = `Times are those of ${zoneText(zone, now)}. Times opened by hand are left alone.`;
    return sheet(
      { id: "hours-title", title: "Opening hours", kind: "wide-sheet" },
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
    const same = button("Monday’s for all workdays", copyMonday, { kind: "small" });
    const rest = restText(this.#before);
    return [
      h("div", { class: "week" }, ...DAYS.map((day) => this.#week[day].element)),
      h("div", { class: "actions" }, same),
      h(
        "div",
        { class: "trio" },
        field("Minutes each", this.#minutes),
        field("Places each", this.#capacity),
        field("Days ahead", this.#horizon),
      ),
      h(
        "div",
        { class: "pair even" },
        field("First day", this.#from),
        field("Last day", this.#until, "optional"),
      ),
      this.#closed.element,
      rest !== "" && h("p", { class: "preview" }, rest),
      this.#problem.element,
      this.#outcome,
      h("div", { class: "actions pinned" }, this.#preview, this.#save),
    ];
  }

  #hoursField(day: Day): ListField<Hours> {
    const name = DAY_NAMES[day];
    return new ListField<Hours>({
      legend: name,
      none: "Closed",
      add: "Add hours",
      fresh: () => afterThe(this.#week[day].value.at(-1)),
      entry: ({ start, end }) => {
        const make = (value: string, label: string) =>
          h("input", { type: "time", value, required: true, "aria-label": `${name} ${label}` });
        const [from, to] = [make(start, "from"), make(end, "to")];
        const dash = h("span", { "aria-hidden": "true" }, "–");
        return { controls: [from, dash, to], read: () => ({ start: from.value, end: to.value }) };
      },
      name: ({ start, end }) => `${name} ${start} to ${end}`,
      changed: () => this.#changed(),
    });
  }

  #closedField(): ListField<Closed> {
    return new ListField<Closed>({
      legend: "Closed on",
      none: "No day.",
      add: "Add closed days",
      fresh: () => ({ from: "", until: "" }),
      entry: ({ from, until, name }) => {
        const make = (value: string, label: string, required: boolean) =>
          h("input", { type: "date", value, required, "aria-label": `Closed ${label}` });
        const [first, last] = [make(from, "from", true), make(until, "until, if longer", false)];
        const dash = h("span", { "aria-hidden": "true" }, "–");
        const read = () => ({ from: first.value, until: last.value, ...(name && { name }) });
        const reason = name ? [h("span", {}, name)] : [];
        return { controls: [first, dash, last, ...reason], read };
      },
      name: ({ from }) => `closed days from ${from}`,
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
    const { zone, locale, now } = this.#setting;
    const words = (start: string) => {
      const at = Date.parse(start);
      const day = dayTitle(dayKey(at, zone), dayKey(now, zone), locale);
      return `${day}, ${timeText(at, zone, locale)}`;
    };
    const { kept } = outcome;
    const more = kept.length - MOST_KEPT;
    this.#outcome.replaceChildren(
      h("p", { class: "outcome-line" }, outcomeText(outcome, false)),
      ...(outcome.warnings ?? []).map(({ start }) => h("p", {}, overlapText(words(start)))),
      kept.length > 0 ? h("p", {}, keptText(kept.length)) : "",
      h(
        "ul",
        { hidden: kept.length === 0 },
        ...kept.slice(0, MOST_KEPT).map(({ start }) => h("li", {}, words(start))),
        more > 0 && h("li", {}, `and ${more} more`),
      ),
    );
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
