/** The first steps of a new installation: a calendar, its opening hours, and a link to send. */

import { pageHome } from "../../address/home";
import { button } from "../../ui/button";
import { copyLink } from "../../ui/dialog/clipboard";
import { h } from "../../ui/dom";
import { calendarPage } from "../../address/calendar_link";
import type { StaffContext } from "../staff_context";
import { openDemo } from "./demo";
import { locale, texts } from "../texts";

export interface FirstActions {
  make(): void;
  hours(): void;
  /** Reads the calendars again and shows this one. */
  show(calendar: string): Promise<void>;
  /** Makes a link of a calendar that needs one. */
  link(): void;
}

/** The state of the guide: no calendar yet, a calendar without times, and one with times. */
type Step = "calendar" | "hours" | "link";

export class FirstSteps {
  readonly element = h("section", {
    class: "first",
    "aria-label": texts.first.label,
    hidden: true,
  });
  readonly #context: StaffContext;
  readonly #actions: FirstActions;
  /** The calendar that the guide leads to. */
  #guided: string | undefined;
  #drawn = "";

  constructor(context: StaffContext, actions: FirstActions) {
    this.#context = context;
    this.#actions = actions;
  }

  /** Draws the next step. The guide begins without a calendar, and with an empty one. */
  draw(calendars: number, isEmpty: boolean): void {
    const step: Step = calendars === 0 ? "calendar" : isEmpty ? "hours" : "link";
    const id = this.#context.calendar()?.id ?? "";
    if (step !== "link") this.#guided = id;
    this.element.hidden = this.#guided !== id;
    const drawn = `${step} ${id}`;
    if (this.element.hidden || drawn === this.#drawn) return;
    this.#drawn = drawn;
    this.element.dataset.step = step;
    this.element.replaceChildren(
      h("h2", { class: "first-title" }, texts.first[TITLES[step]]),
      h(
        "ol",
        { class: "first-list" },
        this.#item("1", texts.first.name, texts.first.nameText, step !== "calendar", [
          step === "calendar" &&
            button(texts.first.make, () => this.#actions.make(), { kind: "primary" }),
          step === "calendar" &&
            button(texts.first.demo, () => void this.#demo(), { kind: "quiet" }),
        ]),
        this.#item("2", texts.first.hours, texts.first.hoursText, step === "link", [
          step === "hours" &&
            button(texts.first.hoursButton, () => this.#actions.hours(), {
              kind: "primary",
              label: texts.first.hours,
            }),
        ]),
        this.#item("3", texts.first.send, texts.first.sendText, false, [
          step === "link" && this.#link(id),
          step === "link" && button(texts.sheet.done, () => this.#close(), { kind: "quiet" }),
        ]),
      ),
    );
  }

  #item(
    number: string,
    title: string,
    text: string,
    isDone: boolean,
    actions: readonly (HTMLElement | false)[],
  ): HTMLElement {
    const item = h(
      "li",
      { class: "first-item" },
      h("span", { class: "first-number", "aria-hidden": "true" }, isDone ? "✓" : number),
      h("div", {}, h("strong", {}, title), h("p", {}, text)),
      h("div", { class: "actions" }, ...actions),
    );
    item.dataset.done = String(isDone);
    return item;
  }

  #link(id: string): HTMLElement {
    const info = this.#context.calendar()?.info;
    if (info?.visibility === "private" || info?.booking === "token")
      return button(texts.first.makeLink, () => this.#actions.link(), { kind: "primary" });
    const copy = async () => {
      const { href } = calendarPage(pageHome(), id);
      const { root, toasts } = this.#context;
      if (await copyLink(root, texts.first.bookingLink, href, locale.texts))
        toasts.say(texts.first.copied, "good");
    };
    return button(texts.first.copy, () => void copy(), { kind: "primary" });
  }

  async #demo(): Promise<void> {
    await openDemo(this.#context, (id) => this.#actions.show(id));
    this.#close();
  }

  #close(): void {
    this.#guided = undefined;
    this.element.hidden = true;
  }
}

const TITLES = { calendar: "titleCalendar", hours: "titleHours", link: "titleLink" } as const;
