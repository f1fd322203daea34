/** The items of the visitor's holds and bookings, with their buttons. They load after the board. */

import { button } from "../../ui/button";
import type { Policy } from "../../client";
import { h, setText } from "../../ui/dom";
import {
  isAsked,
  type PendingRequest,
  isStanding,
  type OwnStore,
  type MyBooking,
  type MyHold,
} from "./own_store";
import type { Catalog } from "../../language/english";
import { canLeave } from "../policy";
import type { Setting } from "../board/slot_cell";
import { countdownText, dayKey, dayTitle, nearness, timeText } from "../../ui/time";

export interface PanelActions {
  goOn(hold: MyHold): void;
  letGo(hold: MyHold): void;
  giveUp(pending: PendingRequest): void;
  move(booking: MyBooking): void;
  cancel(booking: MyBooking): void;
  enterCode(booking: MyBooking): void;
  copy(booking: MyBooking): void;
  save(booking: MyBooking): void;
  forget(booking: MyBooking): void;
  /** Returns the booking's own page. */
  linkOf(booking: MyBooking): string;
}

interface Item {
  readonly element: HTMLElement;
  readonly when: HTMLElement;
  readonly line: HTMLElement;
  drawn: string;
}

export class OwnList {
  readonly element = h("ul", { class: "mine-list" });
  readonly #items = new Map<string, Item>();
  readonly #catalog: Catalog;
  readonly #texts: Catalog["mine"];
  readonly #calendar: string;
  readonly #actions: PanelActions;

  constructor(calendar: string, catalog: Catalog, actions: PanelActions) {
    this.#catalog = catalog;
    this.#texts = catalog.mine;
    this.#calendar = calendar;
    this.#actions = actions;
  }

  /** Scrolls to one of the visitor's bookings. */
  show(id: string): void {
    const element = this.#items.get(id)?.element;
    element?.scrollIntoView({ block: "nearest" });
    element?.focus({ preventScroll: true });
    element?.classList.add("lit");
  }

  /** Draws the items and returns their number. */
  draw(mine: OwnStore, policy: Policy | undefined, setting: Setting): number {
    const wanted = new Set<string>();
    this.#drawPending(mine, setting, wanted);
    for (const hold of mine.holds) {
      wanted.add(hold.id);
      this.#drawItem(hold.id, "hold", hold, setting, true, () => this.#holdButtons(hold));
    }
    this.#drawBookings(mine, policy, setting, wanted);
    for (const [id, item] of this.#items) {
      if (wanted.has(id)) continue;
      item.element.remove();
      this.#items.delete(id);
    }
    this.tick(mine, setting.now);
    return wanted.size;
  }

  /** Draws the hold requests without an answer. */
  #drawPending(mine: OwnStore, setting: Setting, wanted: Set<string>): void {
    for (const pending of mine.pendingRequests) {
      if (!isAsked(pending)) continue;
      wanted.add(pending.key);
      const make = () => [
        button(this.#texts.neverMind, () => this.#actions.giveUp(pending), { kind: "small quiet" }),
      ];
      this.#drawItem(pending.key, "open", pending, setting, true, make);
      const item = this.#items.get(pending.key);
      if (item) setText(item.line, this.#texts.unanswered + this.#places(pending.seats));
    }
  }

  #drawBookings(
    mine: OwnStore,
    policy: Policy | undefined,
    setting: Setting,
    wanted: Set<string>,
  ): void {
    for (const booking of mine.bookings) {
      wanted.add(booking.id);
      const canBeMoved = canLeave(Date.parse(booking.start), policy, setting.now);
      const make = () => this.#bookingButtons(booking, canBeMoved);
      const state = booking.isMissing ? "missing" : booking.status;
      this.#drawItem(booking.id, state, booking, setting, canBeMoved, make);
      const item = this.#items.get(booking.id);
      const isOpen = mine.pendingRequests.some(
        (one) => one.isGivenUp && one.booking?.id === booking.id,
      );
      const line = isOpen ? this.#texts.unanswered : this.#lineOf(booking);
      if (item) setText(item.line, line + this.#places(booking.seats));
    }
  }

  tick(mine: OwnStore, now: number): void {
    for (const hold of mine.holds) {
      const item = this.#items.get(hold.id);
      const left = countdownText(Math.max(0, Date.parse(hold.expires_at) - now));
      const isOpen = mine.pendingRequests.some((one) => one.isGivenUp && one.hold?.id === hold.id);
      const line = isOpen ? `${this.#texts.unanswered} · ${left}` : this.#texts.held(left);
      if (item) setText(item.line, line + this.#places(hold.seats));
    }
  }

  #drawItem(
    id: string,
    state: string,
    it: MyHold | MyBooking | PendingRequest,
    setting: Setting,
    isOpen: boolean,
    buttons: () => readonly HTMLElement[],
  ): void {
    const item = this.#items.get(id) ?? this.#add(id);
    setText(item.when, whenText(it, setting));
    const drawn = `${state} ${it.slot} ${isOpen} ${"verification" in it}`;
    if (item.drawn === drawn) return;
    item.drawn = drawn;
    item.element.dataset.state = state;
    item.element.querySelector(".actions")?.replaceChildren(...buttons());
  }

  #add(id: string): Item {
    const when = h("p", { class: "mine-when" });
    const line = h("p", { class: "mine-line" });
    const element = h(
      "li",
      { class: "mine-item", tabindex: -1 },
      when,
      line,
      h("div", { class: "actions" }),
    );
    element.dataset.mine = id;
    const item = { element, when, line, drawn: "" };
    this.#items.set(id, item);
    this.element.append(element);
    return item;
  }

  #holdButtons(hold: MyHold): readonly HTMLElement[] {
    return [
      button(this.#texts.book, () => this.#actions.goOn(hold), { kind: "small primary" }),
      button(this.#texts.letGo, () => this.#actions.letGo(hold), { kind: "small quiet" }),
    ];
  }

  #bookingButtons(booking: MyBooking, isOpen: boolean): readonly HTMLElement[] {
    const forget = button(this.#texts.forget, () => this.#actions.forget(booking), {
      kind: "small quiet",
    });
    if (booking.calendar !== this.#calendar) {
      const href = this.#actions.linkOf(booking);
      return [h("a", { class: "button small", href, target: "_top" }, this.#texts.show), forget];
    }
    if (!isStanding(booking.status) || booking.isMissing) {
      return [forget];
    }
    const copy = button(this.#catalog.receipt.copy, () => this.#actions.copy(booking), {
      kind: "small quiet",
    });
    const save = button(this.#catalog.receipt.save, () => this.#actions.save(booking), {
      kind: "small quiet",
    });
    const code = button(this.#catalog.verify.enter, () => this.#actions.enterCode(booking), {
      kind: "small primary",
    });
    const first = booking.verification === undefined ? [] : [code];
    const away = [...first, copy, ...(booking.start === "" ? [] : [save])];
    // The server would refuse too: it is too late for a change here.
    if (!isOpen) return away;
    return [
      button(this.#texts.move, () => this.#actions.move(booking), { kind: "small only-seen" }),
      button(this.#texts.cancel, () => this.#actions.cancel(booking), { kind: "small quiet" }),
      ...away,
    ];
  }

  #places(seats: number): string {
    return seats > 1 ? ` · ${this.#texts.places(seats)}` : "";
  }

  #lineOf(booking: MyBooking): string {
    if (booking.isMissing) return booking.isShut ? this.#texts.shut : this.#texts.missing;
    if (booking.verification !== undefined) return this.#catalog.verify.waits;
    return booking.calendar === this.#calendar
      ? this.#texts[booking.status]
      : this.#texts.elsewhere;
  }
}

function whenText(it: Pick<MyHold, "start" | "end">, { zone, locale, now }: Setting): string {
  const start = Date.parse(it.start);
  if (Number.isNaN(start)) return locale.texts.mine.booking;
  const key = dayKey(start, zone);
  const today = dayKey(now, zone);
  const day = nearness(key, today, locale.texts) || dayTitle(key, today, locale);
  const from = timeText(start, zone, locale);
  return `${day}, ${from} – ${timeText(Date.parse(it.end), zone, locale)}`;
}
