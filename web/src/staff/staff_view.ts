/** The staff page: the choice of a calendar and of a view, and the state that the views share. */

import type { Slot, StaffCalendar, StaffClient } from "../client";
import { Pill } from "../ui/feedback/status_pill";
import { Toasts } from "../ui/feedback/toast";
import { setText } from "../ui/dom";
import { Frame } from "../ui/frame";
import { addressWith, readQuery, writeQuery } from "../ui/query";
import { dayKey, isZone } from "../ui/time";
import { isTakeable } from "../booking/policy";
import { forgetToken } from "../address/token";
import { type AccessClient, mayChange } from "./access/access_client";
import { AccountMenu } from "./access/account_menu";
import { BoardView } from "./board/board_view";
import { BookingTarget } from "./booking_target";
import { CalendarList } from "./calendar/calendar_list";
import { calendarMenu, makeLink, showFeeds } from "./calendar/calendar_menu";
import { DaysPane } from "./days_pane";
import { FindView } from "./find/find_view";
import { FirstSteps } from "./first/first_steps";
import { InboxView } from "./inbox/inbox_view";
import { askForCalendar } from "./calendar/new_calendar";
import { OpeningPanel } from "./opening/opening_panel";
import type { StaffContext } from "./staff_context";
import { readView, StaffHead, titleText, type View } from "./staff_head";
import { onKeys } from "./staff_keys";
import { StaffLayout } from "./staff_layout";
import { adviceFor, locale, texts } from "./texts";

const REDRAW_MS = 30_000;

export class StaffView implements StaffContext {
  readonly client: StaffClient;
  readonly access: AccessClient;
  readonly root: HTMLElement;
  readonly toasts = new Toasts(texts.sheet.undo);
  readonly locale = locale;
  readonly #chosen: (calendar: StaffCalendar) => void;
  readonly #pill = new Pill(locale.texts);
  readonly #head: StaffHead;
  readonly #account: AccountMenu;
  /** Ends once the rights of the caller are known. */
  readonly #asked: Promise<void>;
  readonly #opening: OpeningPanel;
  readonly #layout: StaffLayout;
  readonly #frame = new Frame(() => this.#draw());
  readonly #pane: DaysPane;
  readonly #find: FindView;
  readonly #board: BoardView;
  readonly #inbox: InboxView;
  readonly #first: FirstSteps;
  readonly #target: BookingTarget;
  readonly #calendars: CalendarList;
  #calendar: StaffCalendar | undefined;
  #view: View = "days";

  constructor(
    client: StaffClient,
    root: HTMLElement,
    chosen: (calendar: StaffCalendar) => void,
    access: AccessClient,
  ) {
    this.access = access;
    const calendars = () => this.#calendars.all ?? [];
    this.#account = new AccountMenu(this, access, calendars, () => {
      forgetToken("staff");
      location.assign("/staff");
    });
    const shown = () => this.changed();
    this.#asked = this.#account.load().then(shown, shown);
    this.#calendars = new CalendarList(client, () => this.#account.session);
    this.client = client;
    this.root = root;
    this.#chosen = chosen;
    this.#head = new StaffHead({
      choose: (id) => this.#choose(id),
      make: () => this.#make(),
      hours: () => void this.#opening.editHours(),
      show: (view) => this.show(view),
      more: () => calendarMenu(this, () => void this.#load(this.#calendar?.id)),
      link: () => makeLink(this),
    });
    const info = (id: string) => this.#calendars.info(id);
    this.#pane = new DaysPane(
      this,
      (view, day) => this.show(view, day),
      () => void this.#opening.editHours(),
    );
    this.#target = new BookingTarget(this, this.#pane, (id) => this.#choose(id));
    this.#find = new FindView(this, {
      info,
      href: ({ calendar, id }) => addressWith({ calendar, view: "", day: "", q: "", booking: id }),
      open: (booking) => this.#openBooking(booking),
    });
    this.#board = new BoardView(this, {
      calendars,
      open: (calendar, day) => {
        writeQuery({ calendar, filter: "" }, true);
        this.show("days", day);
      },
    });
    this.#inbox = new InboxView(this, { info, open: (booking) => this.#openBooking(booking) });
    this.#first = new FirstSteps(this, {
      make: () => this.#make(),
      hours: () => void this.#opening.editHours(),
      link: () => makeLink(this),
      show: (id) => this.#load(id),
    });
    this.#opening = new OpeningPanel(this, (start) => this.#pane.days.reveal(start));
    this.#layout = new StaffLayout({
      ...{ root, head: this.#head, pill: this.#pill, account: this.#account, inbox: this.#inbox },
      ...{ first: this.#first, pane: this.#pane, opening: this.#opening, find: this.#find },
      ...{ board: this.#board, toasts: this.toasts, others: () => showFeeds(this) },
    });
    this.#listen();
    void this.#load();
  }

  calendar(): StaffCalendar | undefined {
    return this.#calendar;
  }

  zone(): string {
    const { id, info } = this.#calendar ?? {};
    const zone = info?.zone ?? this.#calendars.info(id)?.zone;
    return zone !== undefined && isZone(zone) ? zone : "UTC";
  }

  now(): number {
    return this.client.now();
  }

  mayChange(): boolean {
    const { session } = this.#account;
    return session === null || mayChange(session.roles, this.#calendar?.id ?? "*");
  }

  changed(): void {
    this.#frame.plan();
  }

  async attempt(work: (calendar: StaffCalendar) => Promise<void>): Promise<void> {
    const calendar = this.#calendar;
    if (calendar !== undefined) await this.run(() => work(calendar));
  }

  async run(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.toasts.say(adviceFor(error), "bad");
    }
  }

  /** Shows a view, and a day of it. The address follows. */
  show(view: View, day?: string): void {
    writeQuery({ view: view === "days" ? "" : view, ...(day !== undefined && { day }) }, true);
    this.#restore();
  }

  #listen(): void {
    this.client.onStatus(() => this.changed());
    setInterval(() => {
      this.changed();
      if (this.#view === "board") void this.#refresh();
    }, REDRAW_MS);
    document.addEventListener("visibilitychange", () => void this.#refresh());
    addEventListener("popstate", () => this.#restore());
    onKeys({
      "/": () => {
        this.show("find");
        this.#find.focus();
      },
      d: () => this.show("days"),
      w: () => this.show("week"),
      b: () => this.show("board"),
      t: () => this.#pane.days.today(),
      n: () => this.#pane.days.step(1),
      p: () => this.#pane.days.step(-1),
      // The button of the last message is far from the focus.
      z: () =>
        [...this.toasts.element.querySelectorAll<HTMLElement>(".toast-undo")].at(-1)?.click(),
    });
    this.changed();
  }

  /** Shows what the address says. */
  #restore(): void {
    if (this.#calendars.all === undefined) return;
    const view = readView(readQuery("view"));
    const before = this.#view;
    this.#view = view;
    if (before === "board" && view !== "board") this.#board.stop();
    this.#layout.show(view);
    const wanted = readQuery("calendar") || this.#calendar?.id;
    if (view === "board") {
      if (this.#calendar !== undefined) this.client.leave(this.#calendar.id);
      this.#calendar = undefined;
      this.#board.start();
      if (before !== "board") void this.#refresh();
    } else {
      this.#pane.isWeek = view === "week";
      this.#choose(this.#calendars.known(wanted)?.id);
      this.#pane.days.restore();
      if (view === "find") this.#find.show();
    }
    this.changed();
  }

  async #load(chosen?: string): Promise<void> {
    try {
      await this.#asked;
      await this.#calendars.read();
      this.#head.list(this.#calendars.all ?? [], this.#calendar?.id);
      if (chosen !== undefined) writeQuery({ calendar: chosen, day: "", at: "", view: "" });
      this.#restore();
    } catch (error) {
      // A closed client says more, and has said it if this answer came later.
      if (this.client.status.state !== "closed") {
        this.#pane.say(texts.head.notNow, adviceFor(error));
      }
    }
  }

  /** Reads the calendars again: a colleague may have made one. No subscription brings them. */
  async #refresh(): Promise<void> {
    if (this.#calendars.all === undefined || document.hidden) return;
    try {
      if (!(await this.#calendars.read())) return;
      this.#head.list(this.#calendars.all, this.#calendar?.id);
      if (this.#calendar === undefined) this.#restore();
      this.changed();
    } catch {
      // The pill says why.
    }
  }

  #choose(id: string | undefined): void {
    if (id === undefined || this.#calendar?.id === id) return;
    if (this.#calendar !== undefined) this.client.leave(this.#calendar.id);
    this.#head.choose(id);
    const calendar = this.client.calendar(id);
    this.#calendar = calendar;
    this.root.dataset.calendar = id;
    const take = this.#pane.choose(calendar);
    calendar.subscribe((event) => {
      take(event);
      if (event.kind === "change" && event.change.bookings?.length) {
        this.#inbox.take(event.change.bookings);
        this.#find.refresh();
      }
      this.changed();
    });
    this.#chosen(calendar);
    if (this.#view === "find") this.#find.show();
  }

  #draw(): void {
    const { status } = this.client;
    this.#pill.show(status, document.documentElement, texts.reason[status.reason]);
    if (this.client.status.state === "closed") {
      this.root.toggleAttribute("data-refused", true);
      const text = this.client.refusal ? adviceFor(this.client.refusal) : "";
      this.#pane.say(texts.head.refused, text);
      return;
    }
    this.root.toggleAttribute("data-reads", !this.mayChange());
    // Requests come above the grid, and would move it under the pointer. Their zones are those of the calendars.
    if (!this.#pane.isDragging && this.#calendars.all !== undefined) this.#inbox.draw();
    this.#board.draw();
    const calendar = this.#calendar;
    const info = calendar?.info;
    setText(document.querySelector("title") as Element, titleText(this.#inbox.count, info?.name));
    if (this.#calendars.all !== undefined) {
      this.root.toggleAttribute("data-empty", this.#calendars.hasNone);
      const isEmpty = calendar?.isLoaded === true && this.#isEmpty(calendar);
      this.#first.draw(this.#calendars.openCount, isEmpty);
    }
    if (calendar?.refusal) this.#pane.say(texts.head.notNow, adviceFor(calendar.refusal));
    if (calendar === undefined || info === undefined || !this.#account.isAsked) return;
    const [zone, now] = [this.zone(), this.now()];
    const isFree = (slot: Slot) => isTakeable(slot, info.policy, info.archived, now);
    const free = calendar.slots.filter(isFree).length;
    this.#head.draw(info, texts.head.free(free, calendar.slots.length), now, zone);
    this.#opening.element.hidden = info.archived || this.#view === "week";
    this.#opening.draw();
    const isWhole = this.#pane.draw(calendar);
    if (!this.#pane.days.isAnswered) return;
    if (!isWhole) {
      this.changed();
      return;
    }
    this.#target.reveal();
    this.root.dataset.seq = String(calendar.seq);
  }

  /** Whether nothing was ever opened in the shown days of a calendar without bookings. */
  #isEmpty({ slots, bookings, info }: StaffCalendar): boolean {
    const isComing = this.#view === "days" && this.#pane.days.day === undefined;
    return isComing && slots.length === 0 && bookings.length === 0 && info?.archived === false;
  }

  #make(): void {
    askForCalendar(this.root, async (fields) => {
      await this.client.mutate("calendar.create", fields);
      await this.#load(String(fields.id));
    });
  }

  #openBooking({ calendar, id, start }: { calendar: string; id: string; start: string }): void {
    const zone = this.#calendars.info(calendar)?.zone ?? "UTC";
    const day = dayKey(Date.parse(start), isZone(zone) ? zone : "UTC");
    writeQuery({ calendar, view: "", day, q: "", status: "", from: "", to: "", in: "" }, true);
    writeQuery({ booking: id });
    this.#restore();
  }
}
