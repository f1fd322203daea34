/** The board: many calendars side by side on one day, live. Only the visible calendars have a
 * subscription, so that hundreds of them stay usable. */

import type { CalendarInfo, StaffCalendar } from "../../client";
import { h, setData, setText } from "../../ui/dom";
import { field } from "../../ui/field";
import { Frame } from "../../ui/frame";
import { addressWith, readQuery, writeQuery } from "../../ui/query";
import { dayKey, dayTitle, isZone, nearness, timeText } from "../../ui/time";
import { isDay, rangeOf, stepDay } from "../day/day_range";
import { button } from "../../ui/button";
import { groupBySlot, isShown } from "../agenda/agenda";
import type { StaffContext } from "../staff_context";
import { isolated, locale, texts } from "../texts";

export interface BoardActions {
  calendars(): readonly CalendarInfo[];
  open(calendar: string, day: string): void;
}

interface Lane {
  readonly element: HTMLElement;
  readonly list: HTMLElement;
  readonly title: HTMLAnchorElement;
  info: CalendarInfo;
  live?: { readonly calendar: StaffCalendar; readonly from: string };
}

export class BoardView {
  readonly element = h("div", { class: "lanes-view" });
  readonly #context: StaffContext;
  readonly #actions: BoardActions;
  readonly #filter = h("input", {
    type: "search",
    name: "filter",
    placeholder: texts.board.placeholder,
  });
  readonly #date = h("input", { type: "date", "aria-label": texts.board.date, required: true });
  readonly #title = h("h2", { class: "day-title" });
  readonly #lanes = h("div", {
    class: "lanes",
    role: "list",
    tabindex: 0,
    "aria-label": texts.board.lanes,
  });
  readonly #shown = new Map<string, Lane>();
  readonly #frame = new Frame(() => this.#drawLive());
  readonly #observer: IntersectionObserver;
  #isOn = false;

  constructor(context: StaffContext, actions: BoardActions) {
    this.#context = context;
    this.#actions = actions;
    this.#observer = new IntersectionObserver((entries) => this.#onSeen(entries), {
      root: null,
      rootMargin: "200px",
    });
    this.#filter.addEventListener("input", () => {
      writeQuery({ filter: this.#filter.value });
      this.draw();
    });
    this.#date.addEventListener(
      "change",
      () => isDay(this.#date.value) && this.#go(this.#date.value),
    );
    this.element.append(
      h(
        "div",
        { class: "lanes-head" },
        h(
          "div",
          { class: "lanes-jump" },
          h(
            "div",
            { class: "jump-days" },
            button("‹", () => this.#go(stepDay(this.#day, -1)), {
              kind: "small",
              label: texts.board.back,
            }),
            this.#date,
            button("›", () => this.#go(stepDay(this.#day, 1)), {
              kind: "small",
              label: texts.board.on,
            }),
            button(texts.days.today, () => this.#go(this.#today), {
              kind: "small",
              label: texts.board.today,
            }),
          ),
        ),
        this.#title,
        field(texts.board.filter, this.#filter),
      ),
      this.#lanes,
    );
  }

  get #today(): string {
    return dayKey(this.#context.now(), this.#context.zone());
  }

  get #day(): string {
    const day = readQuery("day");
    return isDay(day) ? day : this.#today;
  }

  #go(day: string): void {
    writeQuery({ day: day === this.#today ? "" : day }, true);
    this.draw();
  }

  /** Begins to follow the visible calendars. */
  start(): void {
    this.#isOn = true;
    this.#filter.value = readQuery("filter");
    this.draw();
  }

  /** Ends every subscription but that of the shown calendar. */
  stop(): void {
    this.#isOn = false;
    for (const lane of this.#shown.values()) this.#leave(lane);
    this.#observer.disconnect();
    this.#lanes.replaceChildren();
    this.#shown.clear();
  }

  draw(): void {
    if (!this.#isOn) return;
    const wanted = this.#filter.value.trim().toLowerCase();
    const day = this.#day;
    if (!this.#date.matches(":focus")) this.#date.value = day;
    setText(
      this.#title,
      nearness(day, this.#today, locale.texts) || dayTitle(day, this.#today, this.#context.locale),
    );
    const calendars = this.#actions
      .calendars()
      .filter((info) => !info.archived && `${info.name} ${info.id}`.toLowerCase().includes(wanted));
    const ids = new Set(calendars.map(({ id }) => id));
    for (const [id, lane] of this.#shown) {
      if (ids.has(id)) continue;
      this.#leave(lane);
      this.#observer.unobserve(lane.element);
      lane.element.remove();
      this.#shown.delete(id);
    }
    for (const info of calendars) {
      const lane = this.#shown.get(info.id) ?? this.#add(info);
      lane.info = info;
      setText(lane.title, info.name);
      lane.title.href = addressWith({ calendar: info.id, view: "", filter: "", day });
      if (lane.live !== undefined) this.#follow(lane);
    }
    this.element.dataset.count = String(calendars.length);
    this.#frame.plan();
  }

  #add(info: CalendarInfo): Lane {
    const title = h("a", { class: "lane-title" });
    title.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.#actions.open(info.id, this.#day);
    });
    const list = h("ul", { class: "lane-list" });
    const element = h("div", { class: "lane", role: "listitem" }, title, list);
    element.dataset.calendar = info.id;
    const lane: Lane = { element, list, title, info };
    this.#shown.set(info.id, lane);
    this.#lanes.append(element);
    this.#observer.observe(element);
    return lane;
  }

  #onSeen(entries: readonly IntersectionObserverEntry[]): void {
    if (!this.#isOn) return;
    for (const { target, isIntersecting } of entries) {
      const lane = this.#shown.get((target as HTMLElement).dataset.calendar ?? "");
      if (lane === undefined) continue;
      if (isIntersecting) this.#follow(lane);
      else this.#leave(lane);
    }
    this.#frame.plan();
  }

  /** Subscribes to the lane's day. The page's own calendar has a subscription to other days, so it is
   * left first. */
  #follow(lane: Lane): void {
    const { client } = this.#context;
    const { from, to } = rangeOf({ day: this.#day }, zoneOf(lane.info), this.#context.now());
    if (lane.live?.from === from) return;
    const isNew = lane.live === undefined;
    const calendar = client.calendar(lane.info.id);
    if (isNew) calendar.subscribe(() => this.#frame.plan());
    calendar.window(from, to);
    lane.live = { calendar, from };
  }

  #leave(lane: Lane): void {
    if (lane.live === undefined) return;
    delete lane.live;
    this.#context.client.leave(lane.info.id);
  }

  #drawLive(): void {
    for (const lane of this.#shown.values()) if (lane.live !== undefined) this.#drawLane(lane);
  }

  #drawLane(lane: Lane): void {
    const { calendar, from } = lane.live ?? {};
    if (calendar === undefined || from === undefined) return;
    const isAnswered = Date.parse(calendar.covered.from || "") === Date.parse(from);
    lane.element.setAttribute("aria-busy", String(!isAnswered));
    if (!isAnswered) return;
    const [zone, { locale }] = [zoneOf(lane.info), this.#context];
    const bookings = groupBySlot(calendar.bookings.filter(isShown));
    const items = calendar.slots.map((slot) => {
      const names = (bookings.get(slot.id) ?? []).map(({ customer }) =>
        isolated(customer?.name ?? texts.agenda.erased),
      );
      const isPast = Date.parse(slot.end) <= this.#context.now();
      const state = names.length > 0 ? names.join(", ") : texts.agenda[slot.status];
      return { slot, isPast, state, key: `${slot.id} ${slot.version} ${isPast} ${state}` };
    });
    const drawn = `${zone} ${items.map(({ key }) => key).join()}`;
    if (lane.list.dataset.drawn === drawn) return;
    lane.list.dataset.drawn = drawn;
    lane.list.replaceChildren(
      ...items.map(({ slot, isPast, state }) => {
        const time = timeText(Date.parse(slot.start), zone, locale);
        const item = h("li", { class: "lane-slot" }, h("span", {}, time), h("span", {}, state));
        item.dataset.slot = slot.id;
        item.dataset.status = slot.status;
        setData(item, "past", isPast ? "" : undefined);
        return item;
      }),
      ...(items.length === 0 ? [h("li", { class: "lane-none" }, texts.board.none)] : []),
    );
    const free = items.filter(({ slot, isPast }) => slot.bookable && !isPast).length;
    lane.element.dataset.free = String(free);
  }
}

const zoneOf = ({ zone }: CalendarInfo): string => (isZone(zone) ? zone : "UTC");
