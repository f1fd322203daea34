/** The staff page: the choice of a calendar, its opening hours, and its bookings. */

import { button } from "../ui/button";
import { checkbox } from "../ui/field";
import {
  type CalendarInfo,
  MOST_SLOTS,
  type Slot,
  type StaffBooking,
  type StaffCalendar,
  type StaffClient,
} from "../client";
import { adviceFor } from "../ui/feedback/advice";
import { isTakeable } from "../booking/policy";
import { Agenda, type BookingVerb, isShown } from "./agenda";
import { isMeant, takeStep } from "./booking_steps";
import { DayView } from "./day/day_view";
import { h, setText } from "../ui/dom";
import { Frame } from "../ui/frame";
import { showHistory } from "./history_sheet";
import { askForCalendar } from "./new_calendar";
import { OpenForm } from "./open_form";
import { showOtherCalendars } from "./other_calendars";
import { batchesOf, type Opening, slotsOf } from "./opening";
import { Pill } from "../ui/feedback/status_pill";
import { askForLink } from "./private_link";
import { RemovedSlots } from "./removed_slots";
import { askForSchedule } from "./schedule/schedule_form";
import { isZone, visitorLocale, zoneText } from "../ui/time";
import { Toasts } from "../ui/feedback/toast";

const REDRAW_MS = 30_000;

export class StaffView {
  readonly #client: StaffClient;
  readonly #root: HTMLElement;
  readonly #chosen: (calendar: StaffCalendar) => void;
  readonly #pill = new Pill();
  readonly #toasts = new Toasts();
  readonly #agenda: Agenda;
  #removed = new RemovedSlots();
  readonly #form = new OpenForm((opening) => this.#open(opening));
  readonly #opening = h("aside", { class: "mine" });
  readonly #hours = button("Opening hours", () => void this.#editHours(), { kind: "small" });
  readonly #select = h("select", { "aria-label": "Calendar", class: "chooser" });
  readonly #facts = h("p", { class: "facts" });
  readonly #link = h("a", { class: "page-link", target: "_blank" }, "Booking page");
  /** Shown for calendars that need a token. */
  readonly #invite = h("button", { type: "button", class: "page-link plain" }, "Make a link");
  readonly #blank = h("div", { class: "blank", hidden: true });
  readonly #only: HTMLInputElement;
  readonly #over: HTMLInputElement;
  readonly #frame = new Frame(() => this.#draw());
  readonly #locale = visitorLocale();
  readonly #zones = new Map<string, string>();
  readonly #days = new DayView({
    locale: this.#locale,
    now: () => this.#client.now(),
    zone: () => this.#zone(),
    isWanted: (booking) => this.#over.checked || isShown(booking),
    changed: () => {
      delete this.#root.dataset.seq;
      this.#frame.plan();
    },
    say: (text) => this.#toasts.say(text),
    attempt: (work) => this.#attempt(work),
  });
  #calendar: StaffCalendar | undefined;

  constructor(client: StaffClient, root: HTMLElement, chosen: (calendar: StaffCalendar) => void) {
    this.#client = client;
    this.#root = root;
    this.#chosen = chosen;
    this.#agenda = new Agenda({
      onSlot: (verb, slot) => void this.#onSlot(verb, slot),
      onBooking: (verb, booking) => void this.#onBooking(verb, booking),
      onHistory: (about) => {
        const setting = { zone: this.#zone(), locale: this.#locale };
        if (this.#calendar) showHistory(this.#root, this.#calendar, about, setting);
      },
    });
    this.#only = h("input", { type: "checkbox", onchange: () => this.#frame.plan() });
    this.#over = h("input", { type: "checkbox", onchange: () => this.#frame.plan() });
    this.#select.addEventListener("change", () => this.#choose(this.#select.value));
    this.#build();
    client.onStatus(() => this.#frame.plan());
    setInterval(() => this.#frame.plan(), REDRAW_MS);
    this.#frame.plan();
    void this.#load();
  }

  #build(): void {
    const make = button("New calendar", undefined, { kind: "small" });
    this.#invite.addEventListener("click", () => {
      if (this.#calendar) askForLink(this.#root, this.#calendar, this.#zone(), this.#locale);
    });
    make.addEventListener("click", () =>
      askForCalendar(this.#root, async (fields) => {
        await this.#client.mutate("calendar.create", fields);
        await this.#load(String(fields.id));
      }),
    );
    this.#root.append(
      h(
        "div",
        { class: "view" },
        h(
          "header",
          { class: "head" },
          h(
            "div",
            { class: "choose" },
            h("h1", { class: "unseen" }, "Staff"),
            this.#select,
            this.#hours,
            make,
          ),
          this.#pill.element,
        ),
        this.#tools(),
        this.#columns(),
      ),
      this.#toasts.element,
    );
  }

  #tools(): HTMLElement {
    const others = h("button", { type: "button", class: "page-link plain" }, "Other calendars");
    others.addEventListener("click", () => {
      if (this.#calendar) showOtherCalendars(this.#root, this.#calendar);
    });
    return h(
      "div",
      { class: "tools" },
      h("div", { class: "facts-line" }, this.#facts, this.#link, this.#invite, others),
      h(
        "div",
        { class: "choices" },
        checkbox(this.#only, "Only with bookings"),
        checkbox(this.#over, "Also cancelled"),
      ),
    );
  }

  #columns(): HTMLElement {
    this.#opening.append(
      h(
        "details",
        { class: "opening", open: matchMedia("(min-width: 901px)").matches },
        h("summary", { class: "mine-title" }, "Open times"),
        this.#form.element,
      ),
    );
    return h(
      "div",
      { class: "columns" },
      h(
        "div",
        { class: "main" },
        this.#days.elements.head,
        this.#blank,
        this.#agenda.element,
        this.#days.elements.foot,
      ),
      this.#opening,
    );
  }

  async #load(chosen?: string): Promise<void> {
    try {
      const every = await this.#client.calendars({ archived: true });
      for (const { id, zone } of every) this.#zones.set(id, zone);
      const [open, archived] = [false, true].map((is) =>
        every.filter((one) => one.archived === is),
      );
      const calendars = [...(open ?? []), ...(archived ?? [])];
      const options = (some: readonly CalendarInfo[] = []) =>
        some.map(({ id, name }) => h("option", { value: id }, name));
      this.#select.replaceChildren(
        ...options(open),
        ...(archived?.length ? [h("optgroup", { label: "Archived" }, ...options(archived))] : []),
      );
      const wanted = chosen ?? new URLSearchParams(location.search).get("calendar");
      const first = calendars.find(({ id }) => id === wanted) ?? calendars[0];
      if (first === undefined) return this.#say("No calendars yet", "Make the first one above.");
      this.#select.value = first.id;
      this.#choose(first.id);
    } catch (error) {
      this.#say("Not just now", adviceFor(error));
    }
  }

  #choose(id: string): void {
    if (this.#calendar?.id === id) return;
    if (this.#calendar !== undefined) this.#client.leave(this.#calendar.id);
    const calendar = this.#client.calendar(id);
    this.#calendar = calendar;
    const removed = new RemovedSlots();
    this.#removed = removed;
    calendar.subscribe((event) => {
      removed.take(event);
      this.#frame.plan();
    });
    this.#root.dataset.calendar = id;
    this.#chosen(calendar);
    this.#days.choose(calendar);
  }

  #zone(): string {
    const { id, info } = this.#calendar ?? {};
    const zone = info?.zone ?? this.#zones.get(id ?? "");
    return zone !== undefined && isZone(zone) ? zone : "UTC";
  }

  #draw(): void {
    this.#pill.show(this.#client.status, document.documentElement);
    if (this.#client.status.state === "closed") {
      this.#root.toggleAttribute("data-refused", true);
      const text = this.#client.refusal ? adviceFor(this.#client.refusal) : "";
      this.#say("This link does not open the staff page", text);
      return;
    }
    const calendar = this.#calendar;
    const info = calendar?.info;
    if (calendar?.refusal) this.#say("Not just now", adviceFor(calendar.refusal));
    if (calendar === undefined || info === undefined) return;
    const [zone, now] = [this.#zone(), this.#client.now()];
    this.#days.draw();
    this.#root.dataset.day = this.#days.day ?? "coming";
    this.#agenda.element.setAttribute("aria-busy", String(!this.#days.isAnswered));
    if (!this.#days.isAnswered) return;
    const isFree = (slot: Slot) => isTakeable(slot, info.policy, info.archived, now);
    const free = calendar.slots.filter(isFree).length;
    const times = `${free} of ${calendar.slots.length} times free`;
    setText(this.#facts, `${zoneText(zone, now)} · ${info.archived ? "Archived" : times}`);
    this.#invite.hidden =
      info.archived || (info.visibility === "public" && info.booking === "anyone");
    this.#opening.hidden = info.archived;
    this.#hours.hidden = info.archived;
    this.#link.href = `/c/${encodeURIComponent(info.id)}`;
    this.#form.draw(zone, this.#locale, now);
    const slots = this.#removed.merge(calendar);
    this.#agenda.draw(calendar, slots, {
      zone,
      locale: this.#locale,
      now,
      isBookedOnly: this.#only.checked,
      isWithCancelled: this.#over.checked,
    });
    if (slots.length > 0) this.#blank.hidden = true;
    else if (this.#days.day === undefined)
      this.#say("No times yet", "Open some with the form beside this.");
    else this.#say("No times on this day", "Go to another day, or open some here.");
    this.#root.dataset.seq = String(calendar.seq);
  }

  #say(title: string, text: string): void {
    this.#blank.hidden = false;
    this.#blank.replaceChildren(h("h2", {}, title), h("p", {}, text));
  }

  async #open(opening: Opening): Promise<void> {
    const calendar = this.#calendar;
    if (calendar === undefined) return;
    const slots = slotsOf(opening, this.#zone());
    for (const batch of batchesOf(slots, MOST_SLOTS)) await calendar.openSlots(batch);
    this.#toasts.say(
      slots.length === 1 ? "Opened 1 time." : `Opened ${slots.length} times.`,
      "good",
    );
    if (slots[0] !== undefined) this.#days.reveal(Date.parse(slots[0].start));
  }

  async #editHours(): Promise<void> {
    const [zone, locale, now] = [this.#zone(), this.#locale, this.#client.now()];
    const saved = (text: string) => this.#toasts.say(text, "good");
    await this.#attempt((calendar) =>
      askForSchedule(this.#root, { calendar, zone, locale, now, saved }),
    );
  }

  async #onSlot(verb: "close" | "reopen" | "remove", slot: Slot): Promise<void> {
    await this.#attempt(async (calendar) => {
      if (verb === "close") await calendar.closeSlot(slot.id);
      else if (verb === "reopen") await calendar.reopen(slot.id);
      else await calendar.remove(slot.id);
    });
  }

  async #onBooking(verb: BookingVerb, booking: StaffBooking): Promise<void> {
    if (!(await isMeant(this.#root, verb, booking))) return;
    await this.#attempt((calendar) => takeStep(this.#root, calendar, verb, booking));
  }

  async #attempt(work: (calendar: StaffCalendar) => Promise<void>): Promise<void> {
    if (this.#calendar === undefined) return;
    try {
      await work(this.#calendar);
    } catch (error) {
      this.#toasts.say(adviceFor(error), "bad");
    }
  }
}
