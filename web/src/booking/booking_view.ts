/** The booking page: the board, the days, the visitor's own bookings, and the booking form. Its
 * root is an element of a page or of the embeddable element. */

import type { Calendar, Customer, Proof, SlotcastClient } from "../client";
import { Board } from "./board/board";
import { BoardNotice } from "./notice/board_notice";
import { BookingActions, type Settled } from "./own/booking_actions";
import { LostEntries } from "./own/lost_entries";
import { DayGoal, type PageAddress } from "./day_goal";
import { SlotPicker } from "./slot_picker";
import { DraftStore } from "./form/draft";
import { LazyForm } from "./form/lazy_form";
import { MonthPanel } from "./month/month_panel";
import { button } from "../ui/button";
import { calendarPage } from "../address/calendar_link";
import { DaySpy } from "./board/day_spy";
import { DayStrip } from "./board/day_strip";
import { bookingLayout } from "./booking_layout";
import { h, setText } from "../ui/dom";
import type { Catalog } from "../language/english";
import type { Locale } from "../language/language";
import { Frame } from "../ui/frame";
import { Horizon } from "./board/horizon";
import { serverName } from "./own/entry_store";
import { OwnStore } from "./own/own_store";
import { OwnPanel } from "./own/own_panel";
import { Mover } from "./mover";
import { LateOutcomes } from "./notice/late_outcomes";
import { OwnBookings } from "./own/own_bookings";
import { Pill } from "../ui/feedback/status_pill";
import { Toasts } from "../ui/feedback/toast";
import { dayKey, dayTitle, timeText } from "../ui/time";
import { ZoneSetting } from "./board/zone_setting";
import { type ZoneChoice, ZoneSwitch } from "./board/zone_switch";

const TICK_MS = 500;
const REDRAW_MS = 30_000;

export interface BookingPlace {
  readonly root: HTMLElement;
  /** The element with the attributes of the connection's state. */
  readonly stateRoot: HTMLElement;
  /** The server with the pages of bookings. Links of bookings lead to it. */
  readonly home: string;
  readonly locale: Locale;
  /** The address of the page, where it is the calendar's own. */
  readonly address?: PageAddress;
  readonly wishes?: BookingWishes;
  /** Hears the outcome of each of the visitor's commands. */
  readonly told?: (settled: Settled) => void;
}

/** The wishes of the page around the view. */
export interface BookingWishes {
  readonly customer: Partial<Customer>;
  /** `calendar`, `visitor` or an IANA zone; empty for the visitor's. */
  readonly zone: string;
  /** The day to begin with, as `2027-01-31`; empty for the first. */
  readonly day: string;
}

export class BookingView {
  readonly calendar: Calendar;
  readonly #client: SlotcastClient;
  readonly #catalog: Catalog;
  readonly #root: HTMLElement;
  readonly #stateRoot: HTMLElement;
  readonly #mine: OwnStore;
  readonly #actions: BookingActions;
  readonly #own: OwnBookings;
  readonly #board: Board;
  readonly #strip: DayStrip;
  readonly #panel: OwnPanel;
  readonly #form: LazyForm;
  readonly #goal: DayGoal;
  readonly #month: MonthPanel;
  readonly #picker: SlotPicker;
  readonly #outcomes: LateOutcomes;
  readonly #lost: LostEntries;
  readonly #said = h("p", { class: "unseen", role: "status" });
  readonly #mover: Mover;
  readonly #spy: DaySpy;
  readonly #pill: Pill;
  readonly #toasts = new Toasts();
  readonly #horizon: Horizon;
  readonly #notice: BoardNotice;
  readonly #zones: ZoneSwitch;
  readonly #title = h("h1", { class: "title", part: "title" }, "…");
  readonly #only: HTMLInputElement;
  readonly #frame = new Frame(() => this.#draw());
  readonly #setting: ZoneSetting;
  readonly #stops: (() => void)[] = [];
  #isPrepared = false;
  #lastDraw = 0;

  constructor(client: SlotcastClient, id: string, place: BookingPlace) {
    const { root, stateRoot, home, locale, address, wishes } = place;
    const { texts } = locale;
    const go = (day: string) => this.goTo(day);
    this.#catalog = texts;
    this.#strip = new DayStrip(texts, go);
    this.#board = new Board(texts, {
      pick: (slot, button) => void this.#picker.pick(slot, button),
      announce: (text) => setText(this.#said, text),
      go,
      linkOf: (day) => address?.linkTo(day) ?? `${calendarPage(home, id)}?day=${day}`,
    });
    this.#spy = new DaySpy(this.#board.element, (key) => this.#strip.mark(key));
    this.#mover = new Mover(texts);
    this.#pill = new Pill(texts);
    this.#zones = new ZoneSwitch(locale, (choice) => this.#choose(choice));
    this.#client = client;
    this.#root = root;
    this.#stateRoot = stateRoot;
    this.calendar = client.calendar(id);
    const server = new URL(home, location.href).href;
    this.#notice = new BoardNotice(client, this.calendar, server, texts, () => this.#frame.plan());
    const now = () => client.now();
    this.#setting = new ZoneSetting(this.calendar, locale, now, wishes?.zone);
    this.#horizon = new Horizon(this.calendar, texts, now);
    this.#mine = new OwnStore(serverName(home), id, () => this.#frame.plan());
    this.#actions = new BookingActions(this.calendar, this.#mine, now, locale.language, place.told);
    this.#form = new LazyForm(root, {
      catalog: texts,
      actions: this.#actions,
      drafts: new DraftStore(serverName(home), id),
      receiptOf: async (booking) => (await this.#own.load()).receiptOf(booking),
    });
    this.#own = new OwnBookings({
      ...{ root, home, calendar: this.calendar, mine: this.#mine, actions: this.#actions },
      ...{ catalog: texts, mover: this.#mover, toasts: this.#toasts },
      ...{ words: (times) => this.#setting.words(times) },
      shown: (booking) => {
        this.#frame.now();
        this.#panel.show(booking);
      },
    });
    this.#form.prefill(wishes?.customer ?? {});
    this.#lost = new LostEntries({
      ...{ client, actions: this.#actions, setting: this.#setting, toasts: this.#toasts },
      changed: () => this.#frame.plan(),
    });
    this.#outcomes = new LateOutcomes({
      ...{ actions: this.#actions, form: this.#form, toasts: this.#toasts },
      setting: this.#setting,
    });
    this.#goal = new DayGoal({
      ...{ client, calendar: this.calendar, board: this.#board, setting: this.#setting },
      ...{ toasts: this.#toasts, address },
    });
    this.#picker = new SlotPicker({
      ...{ calendar: this.calendar, mine: this.#mine, actions: this.#actions, own: this.#own },
      ...{ mover: this.#mover, form: this.#form, setting: this.#setting, address },
      changed: () => this.#frame.plan(),
      showOwn: () => this.#panel.element.scrollIntoView({ block: "nearest" }),
    });
    this.#month = new MonthPanel(this.calendar, () => this.#setting.current, go);
    this.#panel = this.#makePanel(id);
    this.#only = h("input", { type: "checkbox", onchange: () => this.#frame.plan() });
    root.classList.add("booking");
    root.dataset.calendar = id;
    root.append(
      bookingLayout({
        ...{ title: this.#title, pill: this.#pill, zones: this.#zones, notice: this.#notice },
        ...{ mover: this.#mover, panel: this.#panel, only: this.#only, texts: texts.board },
        main: [this.#month, this.#strip, this.#notice.empty, this.#board, this.#horizon],
        ways: [this.#nextButton(), this.#month.button],
      }),
      this.#said,
      this.#toasts.element,
    );
    this.#listen();
    this.#goal.start(wishes?.day);
    this.#frame.now();
  }

  close(): void {
    for (const stop of this.#stops) stop();
    this.#mine.close();
    this.#frame.stop();
    for (const name of ["data-refused", "data-loading", "data-seq"]) {
      this.#root.removeAttribute(name);
    }
    this.#root.replaceChildren();
  }

  /** Fills the booking form in before the visitor does. */
  prefill(customer: Partial<Customer>): void {
    this.#form.prefill(customer);
  }

  /** Shows the booking of a link. Null stands for a damaged link. */
  invite(proof: Proof | null): void {
    this.#own.invite(proof);
  }

  #makePanel(id: string): OwnPanel {
    return new OwnPanel(id, this.#catalog, {
      goOn: (hold) => void this.#picker.open(hold),
      letGo: (hold) => void this.#own.attempt(() => this.#actions.letGo(hold)),
      move: (booking) => {
        this.#own.startMove(booking);
        this.focusTimes();
      },
      cancel: (booking) => void this.#own.step((steps) => steps.cancel(booking)),
      enterCode: (booking) => void this.#own.step((steps) => steps.enterCode(booking)),
      copy: (booking) => void this.#own.step((steps) => steps.copy(booking)),
      save: (booking) => void this.#own.step((steps) => steps.save(booking)),
      giveUp: (pending) => this.#actions.giveUp(pending),
      forget: (booking) => this.#mine.dropBooking(booking.id),
      linkOf: (booking) => this.#own.linkOf(booking),
    });
  }

  #nextButton(): HTMLElement {
    const go = () => void this.#own.attempt(() => this.#goal.goToNextFree());
    return button(this.#catalog.board.nextFree, go, { kind: "small" });
  }

  #listen(): void {
    const { calendar } = this;
    if (calendar.isLoaded) this.#setting.learn();
    this.#stops.push(
      calendar.subscribe((event) => {
        if (event.kind === "snapshot") this.#setting.learn();
        if (event.kind === "change") {
          void this.#lost.refresh(event.change.type, event.change.slots);
        } else this.#catchUp();
        if (event.kind === "snapshot") this.#lost.lookForHolds();
        this.#frame.plan();
      }),
      this.#client.onStatus((status) => {
        if (status.state === "live") {
          this.#catchUp();
          void this.#lost.refresh(undefined, []);
        }
        this.#frame.plan();
      }),
    );
    const timer = setInterval(() => this.#tick(), TICK_MS);
    this.#stops.push(() => clearInterval(timer));
    this.#stops.push(
      () => this.#spy.close(),
      () => this.#lost.close(),
    );
  }

  /** Resumes the requests of earlier pages and of an outage. */
  #catchUp(): void {
    this.#own.openAll();
    if (this.calendar.isLoaded) void this.#actions.adopt();
    void this.#outcomes.settle();
  }

  #draw(): void {
    this.#lastDraw = performance.now();
    const { calendar } = this;
    const { info } = calendar;
    const setting = this.#setting.current;
    this.#pill.show(this.#client.status, this.#stateRoot);
    if (info !== undefined) {
      setText(this.#title, info.name);
      const { visitorZone, hasOneClock, choice } = this.#setting;
      this.#zones.draw(visitorZone, info.zone, hasOneClock, choice, setting.now);
    }
    this.#board.element.toggleAttribute("data-only-free", this.#only.checked);
    const days = this.#board.draw(
      {
        slots: calendar.slots,
        policy: info?.policy,
        isArchived: info?.archived ?? false,
        pending: this.#picker.pending,
        markOf: (slot) => this.#mine.markOf(slot),
        marked: this.#mine.marked,
      },
      setting,
    );
    const shown = this.#only.checked ? days.filter((day) => day.free > 0) : days;
    this.#strip.draw(shown, dayKey(setting.now, setting.zone), this.#setting.locale);
    this.#month.draw(days);
    this.#panel.draw(this.#mine, info?.policy, setting);
    this.#horizon.draw((at) => dayTitle(dayKey(at, setting.zone), "", this.#setting.locale));
    this.#drawNotice(shown.length);
    for (const { key } of days) {
      this.#spy.watch(this.#board.section(key));
    }
    if (this.#board.isBehind) this.#frame.plan();
    this.#form.drawState(this.#client.status.state, this.#notice.isLongAway);
    if (!calendar.isLoaded) return;
    this.#root.dataset.seq = String(calendar.seq);
    this.#goal.drawn();
    this.#prepare();
  }

  /** Loads the form once the first times are on the screen. */
  #prepare(): void {
    if (this.#isPrepared) return;
    this.#isPrepared = true;
    const load = () => {
      const later = [this.#panel, this.#form, this.#own].map((part) => part.load());
      void Promise.all<unknown>([...later]).catch(() => {});
    };
    if ("requestIdleCallback" in window) requestIdleCallback(load);
    else setTimeout(load, 0);
  }

  #drawNotice(days: number): void {
    const isRefused = this.#notice.draw(days, this.#only.checked);
    this.#root.toggleAttribute("data-loading", !this.calendar.isLoaded && !isRefused);
    this.#root.toggleAttribute("data-refused", isRefused);
    if (isRefused) setText(this.#title, "Slotcast");
  }

  #tick(): void {
    const setting = this.#setting.current;
    const expired = this.#client.status.state === "live" ? this.#mine.prune(setting.now) : [];
    for (const hold of expired) {
      if (this.#form.hold === hold.id) continue;
      const time = timeText(Date.parse(hold.start), setting.zone, setting.locale);
      this.#toasts.say(this.#catalog.mine.holdLapsed(time));
    }
    this.#board.tick(setting);
    this.#panel.tick(this.#mine, setting.now);
    this.#form.tick(setting.now);
    if (this.#outcomes.isDue && this.#client.status.state === "live") void this.#outcomes.settle();
    const isAway = this.#client.status.state !== "live" && this.#notice.banner.hidden;
    if (isAway || performance.now() - this.#lastDraw > REDRAW_MS) this.#frame.plan();
  }

  #choose(choice: ZoneChoice): void {
    this.#setting.choice = choice;
    this.#frame.now();
  }

  /** Goes to a day, `2026-12-24`, also beyond the window. */
  goTo(day: string): void {
    this.#goal.go(day);
  }

  /** Puts the focus on the first day with slots. */
  focusTimes(): void {
    this.#board.element.querySelector<HTMLElement>('.slot[tabindex="0"]')?.focus();
  }
}
