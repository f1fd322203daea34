/** The days and the weeks of a calendar: the agenda or the grid, with the buttons that choose the day. */

import { checkbox } from "../ui/field";
import { button } from "../ui/button";
import { openMenu } from "../ui/menu";
import type { CalendarEvent, StaffBooking, StaffCalendar } from "../client";
import { flash, h } from "../ui/dom";
import { dayKey } from "../ui/time";
import { Agenda, groupBySlot, isShown } from "./agenda/agenda";
import { type AgendaActions, bookingMenu, bookingPlace } from "./agenda/agenda_buttons";
import { bookingReadMenu, slotMenu, slotReadMenu } from "./agenda/agenda_buttons";
import { bookingLines } from "./agenda/booking_lines";
import { takeBookingStep } from "./agenda/booking_steps";
import { weekOf } from "./day/day_range";
import { DayView } from "./day/day_view";
import { RemovedSlots } from "./agenda/removed_slots";
import { moveBooking } from "./sheets/move_sheet";
import { takeSlotStep } from "./agenda/slot_steps";
import type { StaffContext } from "./staff_context";
import { closeDay } from "./week/close_day";
import { openRange } from "./week/open_range";
import { WeekGrid } from "./week/week_grid";
import { WeekHours } from "./week/week_hours";
import { texts } from "./texts";

const USUAL_MINUTES = 30;

export class DaysPane {
  readonly element = h("div", { class: "main" });
  readonly days: DayView;
  readonly choices: HTMLElement;
  readonly #context: StaffContext;
  readonly #actions: AgendaActions;
  readonly #agenda: Agenda;
  readonly #grid: WeekGrid;
  readonly #hours: WeekHours;
  readonly #blank = h("div", { class: "blank", hidden: true });
  /** Shown where some hours follow a rule, as those have no handles. */
  readonly #rules: HTMLElement;
  readonly #rest: HTMLElement;
  readonly #only: HTMLInputElement;
  readonly #over: HTMLInputElement;
  #removed = new RemovedSlots();
  #isWeek = false;

  constructor(
    context: StaffContext,
    show: (view: "days", day: string) => void,
    editHours: () => void,
  ) {
    this.#context = context;
    this.#actions = {
      onSlot: (verb, slot) => takeSlotStep(context, verb, slot),
      onBooking: (verb, booking) => takeBookingStep(context, verb, booking),
    };
    this.#agenda = new Agenda(this.#actions);
    this.#only = h("input", { type: "checkbox", onchange: () => context.changed() });
    this.#over = h("input", { type: "checkbox", onchange: () => context.changed() });
    this.days = new DayView({
      locale: context.locale,
      now: () => context.now(),
      zone: () => context.zone(),
      isWanted: (booking) => this.#over.checked || isShown(booking),
      changed: () => {
        delete context.root.dataset.seq;
        context.changed();
      },
      say: (text) => context.toasts.say(text),
      attempt: (work) => context.attempt(work),
    });
    this.#hours = new WeekHours(context);
    this.#grid = new WeekGrid({
      onSlot: (slot, anchor) => this.#openSlot(slot, anchor),
      onBooking: (booking, anchor) => this.#openBooking(booking, anchor),
      onMove: (booking, slot) => void this.#move(booking, slot),
      onRange: (day, from, to) => openRange(context, { day, from, to }, this.#usualMinutes),
      onDay: (day) => show("days", day),
      onClose: (day) => void closeDay(context, day),
      onResize: (edge, minutes) => this.#hours.resize(edge, minutes),
      onDragEnd: () => context.changed(),
      mayChange: () => context.mayChange(),
    });
    this.choices = h(
      "div",
      { class: "choices" },
      checkbox(this.#only, texts.days.only),
      checkbox(this.#over, texts.days.cancelled),
      button(texts.days.print, () => print(), { kind: "small quiet" }),
    );
    const { head, rest } = this.days.elements;
    this.#rest = rest;
    this.#rules = h(
      "p",
      { class: "week-rules", hidden: true },
      h("span", {}, texts.week.byRule),
      button(texts.week.editHours, editHours, { kind: "small" }),
    );
    this.element.append(
      head,
      this.#blank,
      this.#agenda.element,
      this.#grid.element,
      this.#rules,
      rest,
    );
  }

  choose(calendar: StaffCalendar): (event: CalendarEvent) => void {
    const removed = new RemovedSlots();
    this.#removed = removed;
    this.days.choose(calendar);
    const take = this.#hours.choose(calendar);
    return (event) => {
      removed.take(event);
      take(event);
    };
  }

  /** Whether something in the grid is being dragged. */
  get isDragging(): boolean {
    return this.#grid.isDragging;
  }

  set isWeek(is: boolean) {
    this.#isWeek = is;
    this.days.isWeek = is;
    this.#agenda.element.hidden = is;
    this.#grid.element.hidden = !is;
    // The end of a list is below it. A grid that is cut off looks whole, so that it is said above.
    if (is) this.#grid.element.before(this.#rest);
    else this.element.append(this.#rest);
    this.#grid.forgetPlace();
  }

  /** Draws the shown days. Returns whether all of them are drawn. */
  draw(calendar: StaffCalendar): boolean {
    const { zone, locale, now } = this.#setting;
    this.days.draw();
    const { root } = this.#context;
    root.dataset.day = this.days.day ?? "coming";
    this.#rules.hidden = !(this.#isWeek && this.#hours.hasRules && this.#context.mayChange());
    const shown = this.#isWeek ? this.#grid.element : this.#agenda.element;
    shown.setAttribute("aria-busy", String(!this.days.isAnswered));
    if (!this.days.isAnswered) return false;
    let isWhole = true;
    const isArchived = calendar.info?.archived ?? false;
    const slots = this.#removed.merge(calendar);
    if (this.#isWeek) {
      const listed = calendar.bookings.filter((one) => this.#over.checked || isShown(one));
      const bookings = groupBySlot(listed);
      const kept = slots.filter(
        ({ id, isRemoved }) => !(this.#only.checked || isRemoved) || bookings.has(id),
      );
      const day = this.days.day ?? dayKey(now, zone);
      const days = weekOf(day);
      this.#grid.draw(days, kept, bookings, { zone, locale, now, isArchived, day });
      const edges = this.#hours.edges(days);
      this.#grid.drawHandles(edges);
    } else {
      isWhole = this.#agenda.draw(calendar, slots, {
        ...{ zone, locale, now },
        isBookedOnly: this.#only.checked,
        isWithCancelled: this.#over.checked,
      });
    }
    if (slots.length > 0 || this.#isWeek) this.#blank.hidden = true;
    else if (this.days.day === undefined) this.say(texts.days.none, texts.days.noneText);
    else this.say(texts.days.noneOfDay, texts.days.noneOfDayText);
    return isWhole;
  }

  say(title: string, text: string): void {
    this.#blank.hidden = false;
    if (this.#blank.dataset.title === title) return;
    this.#blank.dataset.title = title;
    this.#blank.replaceChildren(h("h2", {}, title), h("p", {}, text));
  }

  /** Scrolls to a booking of the shown days. Returns whether it is there. */
  reveal(booking: string): boolean {
    const found = this.#agenda.element.querySelector<HTMLElement>(`[data-booking="${booking}"]`);
    if (found === null) return false;
    found.scrollIntoView({ block: "center" });
    found.tabIndex = -1;
    found.focus({ preventScroll: true });
    flash(found);
    return true;
  }

  /** Shows cancelled bookings too. */
  showEnded(): void {
    this.#over.checked = true;
  }

  get #setting() {
    return {
      zone: this.#context.zone(),
      locale: this.#context.locale,
      now: this.#context.now(),
    };
  }

  /** The length of the first slot shown. */
  get #usualMinutes(): number {
    const [slot] = this.#context.calendar()?.slots ?? [];
    if (slot === undefined) return USUAL_MINUTES;
    return Math.round((Date.parse(slot.end) - Date.parse(slot.start)) / 60_000);
  }

  #openSlot(id: string, anchor: HTMLElement): void {
    const slot = this.#context.calendar()?.slot(id);
    if (slot === undefined) return;
    const book = { text: texts.agenda.book, onclick: () => this.#actions.onSlot("book", slot) };
    const isOver = this.#context.calendar()?.info?.archived ?? false;
    const isRead = isOver || !this.#context.mayChange();
    const whole = () => [book, ...slotMenu(slot, this.#actions)];
    openMenu(anchor, isRead ? slotReadMenu(slot, this.#actions) : whole());
  }

  #openBooking(id: string, anchor: HTMLElement): void {
    const booking = this.#booking(id);
    const calendar = this.#context.calendar();
    if (booking === undefined || calendar === undefined) return;
    const place = bookingPlace(calendar, booking, this.#context.now());
    const whole = () => bookingMenu(booking, place, this.#actions, true);
    const isRead = !this.#context.mayChange();
    const items = isRead ? bookingReadMenu(booking, this.#actions) : whole();
    openMenu(anchor, items, bookingLines(booking));
  }

  #booking(id: string): StaffBooking | undefined {
    return this.#context.calendar()?.bookings.find((one) => one.id === id);
  }

  async #move(id: string, slot: string): Promise<void> {
    const booking = this.#booking(id);
    if (booking === undefined || booking.slot === slot) return;
    await this.#context.attempt(async (calendar) => {
      await moveBooking(this.#context, calendar, booking, slot);
    });
  }
}
