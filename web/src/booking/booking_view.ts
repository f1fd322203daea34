/** The booking page: the board, the days, the visitor's own bookings, and the booking form. Its
 * root is an element of a page or of the embeddable element. */

import type { Calendar, Proof, SlotcastClient, Slot } from "../client";
import { Board } from "./board/board";
import { BoardNotice } from "./notice/board_notice";
import { BookingActions } from "./own/booking_actions";
import { BookingForm } from "./booking_form";
import { DaySpy } from "./board/day_spy";
import { DayStrip } from "./board/day_strip";
import { checkbox } from "../ui/field";
import { h, setText } from "../ui/dom";
import { Frame } from "../ui/frame";
import { Horizon } from "./board/horizon";
import { serverName } from "./own/entry_store";
import { type PendingRequest, OwnStore, type MyHold } from "./own/own_store";
import { OwnPanel } from "./own/own_panel";
import { Mover } from "./mover";
import { settledNotice } from "./notice/notice";
import { OwnBookings } from "./own/own_bookings";
import { Pill } from "../ui/feedback/status_pill";
import { Toasts } from "../ui/feedback/toast";
import { dayKey, dayTitle, timeText } from "../ui/time";
import { ZoneSetting } from "./board/zone_setting";
import { type ZoneChoice, ZoneSwitch } from "./board/zone_switch";

const TICK_MS = 500;
const REDRAW_MS = 30_000;
/** The pause between two tries of requests without an answer, on a live connection. */
const SETTLE_MS = 15_000;
export interface BookingPlace {
  readonly root: HTMLElement;
  /** The element with the attributes of the connection's state. */
  readonly stateRoot: HTMLElement;
  /** The server with the pages of bookings. Links of bookings lead to it. */
  readonly home: string;
}

export class BookingView {
  readonly calendar: Calendar;
  readonly #client: SlotcastClient;
  readonly #root: HTMLElement;
  readonly #stateRoot: HTMLElement;
  readonly #mine: OwnStore;
  readonly #actions: BookingActions;
  readonly #own: OwnBookings;
  readonly #board = new Board((slot, button) => void this.#pick(slot, button));
  readonly #strip = new DayStrip((key) => this.#goTo(key));
  readonly #panel: OwnPanel;
  readonly #form: BookingForm;
  readonly #mover = new Mover();
  readonly #spy = new DaySpy(this.#board.element, (key) => this.#strip.mark(key));
  readonly #pill = new Pill();
  readonly #toasts = new Toasts();
  readonly #horizon: Horizon;
  readonly #notice: BoardNotice;
  readonly #zones = new ZoneSwitch((choice) => this.#choose(choice));
  readonly #title = h("h1", { class: "title" }, "…");
  readonly #only: HTMLInputElement;
  readonly #frame = new Frame(() => this.#draw());
  readonly #pending = new Set<string>();
  readonly #setting: ZoneSetting;
  readonly #stops: (() => void)[] = [];
  #lastDraw = 0;
  #lastSettle = 0;

  constructor(client: SlotcastClient, id: string, { root, stateRoot, home }: BookingPlace) {
    this.#client = client;
    this.#root = root;
    this.#stateRoot = stateRoot;
    this.calendar = client.calendar(id);
    const server = new URL(home, location.href).href;
    this.#notice = new BoardNotice(client, this.calendar, server, () => this.#frame.plan());
    const now = () => client.now();
    this.#setting = new ZoneSetting(this.calendar, now);
    this.#horizon = new Horizon(this.calendar, now);
    this.#mine = new OwnStore(serverName(home), id, () => this.#frame.plan());
    this.#actions = new BookingActions(this.calendar, this.#mine, now);
    this.#form = new BookingForm(this.#actions, (booking) => this.#own.receiptOf(booking));
    this.#own = new OwnBookings({
      ...{ root, home, calendar: this.calendar, mine: this.#mine, actions: this.#actions },
      ...{ mover: this.#mover, toasts: this.#toasts, words: (times) => this.#setting.words(times) },
      now: () => client.now(),
      shown: (booking) => {
        this.#frame.now();
        this.#panel.show(booking);
      },
    });
    this.#panel = this.#makePanel(id);
    this.#only = h("input", { type: "checkbox", onchange: () => this.#frame.plan() });
    this.#build(id);
    this.#listen();
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

  /** Shows the booking of a link. Null stands for a damaged link. */
  invite(proof: Proof | null): void {
    this.#own.invite(proof);
  }

  #makePanel(id: string): OwnPanel {
    return new OwnPanel(id, {
      goOn: (hold) => this.#openForm(hold),
      letGo: (hold) => void this.#own.attempt(() => this.#actions.letGo(hold)),
      move: (booking) => {
        this.#own.startMove(booking);
        this.#board.element.querySelector<HTMLElement>('.slot[tabindex="0"]')?.focus();
      },
      cancel: (booking) => void this.#own.cancel(booking),
      copy: (booking) => void this.#own.copy(booking),
      save: (booking) => this.#own.save(booking),
      giveUp: (pending) => this.#actions.giveUp(pending),
      forget: (booking) => this.#mine.dropBooking(booking.id),
      linkOf: (booking) => this.#own.linkOf(booking),
    });
  }

  #build(id: string): void {
    this.#root.classList.add("booking");
    this.#root.dataset.calendar = id;
    this.#root.append(
      h(
        "div",
        { class: "view" },
        h("header", { class: "head" }, this.#title, this.#pill.element),
        h("div", { class: "tools" }, this.#zones.element, checkbox(this.#only, "Only free times")),
        this.#notice.banner,
        this.#mover.element,
        h(
          "div",
          { class: "columns" },
          h(
            "div",
            { class: "main" },
            this.#strip.element,
            this.#notice.blank,
            this.#board.element,
            this.#horizon.element,
          ),
          this.#panel.element,
        ),
      ),
      this.#form.element,
      this.#toasts.element,
    );
  }

  #listen(): void {
    const { calendar } = this;
    this.#stops.push(
      calendar.subscribe((event) => {
        if (event.kind === "change") {
          void this.#actions.refresh(event.change.type, event.change.slots);
        } else this.#catchUp();
        this.#frame.plan();
      }),
      this.#client.onStatus((status) => {
        if (status.state === "live") {
          this.#catchUp();
          void this.#actions.refresh(undefined, []);
        }
        this.#frame.plan();
      }),
    );
    const timer = setInterval(() => this.#tick(), TICK_MS);
    this.#stops.push(() => clearInterval(timer));
    this.#stops.push(() => this.#spy.close());
  }

  /** Resumes the requests of earlier pages and of an outage. */
  #catchUp(): void {
    this.#own.openAll();
    if (this.calendar.isLoaded) void this.#actions.adopt();
    void this.#settle();
  }

  /** Repeats requests without an answer, and tells the visitor their outcomes. */
  async #settle(): Promise<void> {
    this.#lastSettle = performance.now();
    for (const settled of await this.#actions.settle()) {
      const { pending, outcome } = settled;
      const booking = pending.what === "book" ? outcome?.booking : undefined;
      if (booking !== undefined) this.#form.settled(pending.hold?.id ?? "", booking);
      const when = pending.start === "" ? "Your booking" : this.#setting.words(pending);
      const notice = settledNotice(settled, when);
      if (notice !== undefined) this.#toasts.say(notice.text, notice.tone);
    }
  }

  #draw(): void {
    this.#lastDraw = performance.now();
    const { calendar } = this;
    const { info } = calendar;
    const setting = this.#setting.current;
    this.#pill.show(this.#client.status, this.#stateRoot);
    if (info !== undefined) {
      setText(this.#title, info.name);
      this.#zones.draw(this.#setting.visitorZone, info.zone, this.#setting.choice, setting.now);
    }
    this.#board.element.toggleAttribute("data-only-free", this.#only.checked);
    const days = this.#board.draw(
      {
        slots: calendar.slots,
        policy: info?.policy,
        isArchived: info?.archived ?? false,
        pending: new Set([...this.#pending, ...this.#openSlots()]),
        markOf: (slot) => this.#mine.markOf(slot),
      },
      setting,
    );
    const shown = this.#only.checked ? days.filter((day) => day.free > 0) : days;
    this.#strip.draw(shown, dayKey(setting.now, setting.zone), this.#setting.locale);
    this.#panel.draw(this.#mine, info?.policy, setting);
    this.#horizon.draw((at) => dayTitle(dayKey(at, setting.zone), "", this.#setting.locale));
    this.#drawNotice(shown.length);
    for (const { key } of days) {
      this.#spy.watch(this.#board.section(key));
    }
    if (calendar.isLoaded) this.#root.dataset.seq = String(calendar.seq);
  }

  /** The slots of hold requests without an answer. */
  #openSlots(): readonly string[] {
    const isOpen = ({ what, isUnwanted }: PendingRequest) => what === "hold" && !isUnwanted;
    return this.#mine.pendingRequests.filter(isOpen).map(({ slot }) => slot);
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
      if (this.#form.hold?.id === hold.id) continue;
      const time = timeText(Date.parse(hold.start), setting.zone, setting.locale);
      this.#toasts.say(`Your hold on ${time} has lapsed.`);
    }
    this.#board.tick(setting);
    this.#panel.tick(this.#mine, setting.now);
    this.#form.tick(setting.now);
    const isStill = performance.now() - this.#lastSettle > SETTLE_MS;
    if (isStill && this.#client.status.state === "live") void this.#settle();
    const isAway = this.#client.status.state !== "live" && this.#notice.banner.hidden;
    if (isAway || performance.now() - this.#lastDraw > REDRAW_MS) this.#frame.plan();
  }

  async #pick(slot: Slot, button: HTMLButtonElement): Promise<void> {
    const hold = this.#mine.holds.find((one) => one.slot === slot.id);
    const moving = this.#mover.booking;
    if (moving !== undefined) {
      const isFree = button.dataset.free !== undefined || hold !== undefined;
      return isFree ? this.#own.finishMove(moving, slot) : undefined;
    }
    if (hold !== undefined) return this.#openForm(hold);
    if (button.getAttribute("aria-disabled") === "true" || this.#pending.has(slot.id)) return;
    if (this.#mine.markOf(slot.id) !== undefined) {
      this.#panel.element.scrollIntoView({ block: "nearest" });
      return;
    }
    this.#pending.add(slot.id);
    this.#frame.plan();
    const held = await this.#own.attempt(() => this.#actions.hold(slot));
    this.#pending.delete(slot.id);
    this.#frame.plan();
    if (held !== undefined) this.#openForm(held);
  }

  #openForm(hold: MyHold): void {
    const slot = this.calendar.slot(hold.slot);
    this.#form.open(hold, slot, this.calendar.info?.policy, this.#setting.current);
  }

  #choose(choice: ZoneChoice): void {
    this.#setting.choice = choice;
    this.#frame.now();
  }

  #goTo(key: string): void {
    const section = this.#board.section(key);
    section?.scrollIntoView({ block: "start" });
    section?.querySelector<HTMLElement>('.slot[tabindex="0"]')?.focus({ preventScroll: true });
  }
}
