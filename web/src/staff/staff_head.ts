/** The head of the staff page: the choice of a calendar, its facts and links, and the choice of a view. */

import { calendarPage } from "../address/calendar_link";
import { pageHome } from "../address/home";
import { button } from "../ui/button";
import { menuButton, type MenuItem } from "../ui/menu";
import type { CalendarInfo } from "../client";
import { h, setText } from "../ui/dom";
import { addressWith } from "../ui/query";
import { zoneText } from "../ui/time";
import { texts } from "./texts";

const VIEWS = ["days", "week", "find", "board"] as const;
export type View = (typeof VIEWS)[number];

export const readView = (text: string): View => VIEWS.find((view) => view === text) ?? "days";

export interface HeadActions {
  choose(calendar: string): void;
  make(): void;
  hours(): void;
  show(view: View): void;
  /** Returns the rarer actions of the shown calendar. */
  more(): readonly MenuItem[];
  link(): void;
}

export class StaffHead {
  readonly choice: HTMLElement;
  readonly facts: HTMLElement;
  readonly tabs = h("nav", { class: "tabs", "aria-label": texts.head.views });
  readonly hours: HTMLButtonElement;
  readonly #title = h("h1", { class: "unseen" }, texts.head.title);
  readonly #more: HTMLButtonElement;
  readonly #select = h("select", { "aria-label": texts.head.calendar, class: "chooser" });
  readonly #text = h("p", { class: "facts" });
  readonly #link = h("a", { class: "page-link", target: "_blank" }, texts.head.bookingPage);
  /** Shown for calendars that need a token. */
  readonly #invite: HTMLButtonElement;
  readonly #links = new Map<View, HTMLAnchorElement>();

  constructor(actions: HeadActions) {
    this.hours = button(texts.head.hours, () => actions.hours(), {
      kind: "small of-calendar",
    });
    this.#invite = h(
      "button",
      { type: "button", class: "page-link plain", onclick: () => actions.link() },
      texts.head.makeLink,
    );
    this.#more = menuButton("⋯", texts.head.more, () => actions.more());
    this.#more.classList.add("of-calendar");
    this.#select.addEventListener("change", () => actions.choose(this.#select.value));
    this.choice = h(
      "div",
      { class: "choose" },
      this.#title,
      this.#select,
      this.hours,
      button(texts.head.newCalendar, () => actions.make(), { kind: "small" }),
      this.#more,
    );
    this.facts = h("div", { class: "facts-line" }, this.#text, this.#link, this.#invite);
    for (const view of VIEWS) {
      const tab = h("a", { class: "tab" }, texts.head[view]);
      tab.addEventListener("click", (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        actions.show(view);
      });
      this.#links.set(view, tab);
      this.tabs.append(tab);
    }
  }

  /** Lists the calendars, with the shown one as the chosen one. */
  list(calendars: readonly CalendarInfo[], chosen: string | undefined): void {
    const [open, archived] = [false, true].map((is) =>
      calendars.filter((one) => one.archived === is),
    );
    const options = (some: readonly CalendarInfo[] = []) =>
      some.map(({ id, name }) => h("option", { value: id }, name));
    this.#select.replaceChildren(
      ...options(open),
      ...(archived?.length
        ? [h("optgroup", { label: texts.head.archivedGroup }, ...options(archived))]
        : []),
    );
    if (chosen !== undefined) this.choose(chosen);
  }

  choose(calendar: string): void {
    this.#select.value = calendar;
  }

  /** Draws the facts of the shown calendar. */
  draw(info: CalendarInfo, times: string, now: number, zone: string): void {
    setText(this.#text, `${zoneText(zone, now)} · ${info.archived ? texts.head.archived : times}`);
    this.#invite.hidden =
      info.archived || (info.visibility === "public" && info.booking === "anyone");
    this.hours.hidden = info.archived;
    this.#link.href = calendarPage(pageHome(), info.id).href;
    const option = [...this.#select.options].find(({ value }) => value === info.id);
    if (option !== undefined) setText(option, info.name);
  }

  mark(shown: View): void {
    this.#title.className = shown === "board" ? "staff-title" : "unseen";
    setText(this.#title, shown === "board" ? texts.head.allCalendars : texts.head.title);
    for (const [view, tab] of this.#links) {
      tab.href = addressWith({ view: view === "days" ? "" : view });
      if (view === shown) tab.setAttribute("aria-current", "page");
      else tab.removeAttribute("aria-current");
    }
  }
}

/** The title of the tab: the number of waiting requests first. */
export function titleText(waiting: number, name: string | undefined): string {
  const count = waiting > 0 ? `(${waiting}) ` : "";
  return `${count}${name === undefined ? "" : `${name} · `}${texts.head.title} · Slotcast`;
}
