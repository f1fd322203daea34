/** The sheet for other calendars: private addresses of the feed, and imported busy times. */

import { pageHome } from "../../address/home";
import { button } from "../../ui/button";
import { ask } from "../../ui/dialog/confirm";
import { openOnce, sheet } from "../../ui/dialog/dialog";
import { field, Problem } from "../../ui/field";
import type { StaffCalendar } from "../../client";
import { copyLink } from "../../ui/dialog/clipboard";
import { h, setText } from "../../ui/dom";
import { adviceFor, locale, texts } from "../texts";

export function showOtherCalendars(root: HTMLElement, calendar: StaffCalendar): void {
  const problem = new Problem();
  const attempt = async (work: () => Promise<void>) => {
    problem.show("");
    try {
      await work();
    } catch (error) {
      problem.show(adviceFor(error));
    }
  };
  const feeds = new FeedList(root, calendar, attempt);
  const busy = new BusyList(root, calendar, attempt);
  const dialog = sheet(
    { id: "other-calendars-title", title: texts.feeds.title, isForm: true },
    ...feeds.elements,
    ...busy.elements,
    problem.element,
    h(
      "div",
      { class: "actions" },
      button(texts.sheet.done, () => dialog.close(), { kind: "quiet" }),
    ),
  );
  openOnce(root, dialog);
  void attempt(async () => {
    await Promise.all([feeds.load(), busy.load()]);
  });
}

const revoking = () => ({
  title: texts.feeds.revokeTitle,
  text: texts.feeds.revokeText,
  yes: texts.feeds.revokeYes,
  no: texts.sheet.keep,
  isGrave: true,
});

const removing = (name: string) => ({
  title: texts.feeds.removeTitle,
  text: texts.feeds.removeText(name),
  yes: texts.feeds.removeYes,
  no: texts.feeds.removeNo,
  isGrave: true,
});

type Attempt = (work: () => Promise<void>) => Promise<void>;

/** The private addresses. An address is shown once, when it is made. */
class FeedList {
  readonly elements: readonly HTMLElement[];
  readonly #calendar: StaffCalendar;
  readonly #attempt: Attempt;
  readonly #root: HTMLElement;
  readonly #list = h("ul", { class: "sheet-text", "aria-label": texts.feeds.addresses });

  constructor(root: HTMLElement, calendar: StaffCalendar, attempt: Attempt) {
    this.#calendar = calendar;
    this.#attempt = attempt;
    this.#root = root;
    const address = h("input", { readonly: true, spellcheck: "false", name: "address" });
    const copied = h("p", { class: "preview", role: "status" });
    const copy = async () => {
      if (await copyLink(root, texts.feeds.addressOf, address.value, locale.texts))
        setText(copied, texts.feeds.copied);
    };
    const made = h(
      "div",
      { class: "form", hidden: true },
      field(texts.feeds.address, address, texts.feeds.shownOnce),
      button(texts.feeds.copy, () => void copy(), { kind: "small" }),
      copied,
    );
    const scope = h(
      "select",
      { name: "scope" },
      h("option", { value: "slots" }, texts.feeds.freeBusy),
      h("option", { value: "bookings" }, texts.feeds.withCustomers),
    );
    const make = () =>
      attempt(async () => {
        const { token } = await calendar.createFeed(scope.value as "slots" | "bookings");
        const path = `/calendars/${encodeURIComponent(calendar.id)}.ics`;
        address.value = `${pageHome()}${path}?key=${token}`;
        setText(copied, "");
        made.hidden = false;
        address.select();
        await this.load();
      });
    this.elements = [
      h("p", { class: "sheet-text" }, texts.feeds.text),
      field(texts.feeds.sees, scope),
      button(texts.feeds.make, () => void make(), { kind: "primary" }),
      made,
      this.#list,
    ];
  }

  async load(): Promise<void> {
    const found = await this.#calendar.listFeeds();
    this.#list.replaceChildren(
      ...found.map(({ id, scope, created_at }) => {
        const { timesMade, bookingsMade } = texts.feeds;
        const text = (scope === "slots" ? timesMade : bookingsMade)(created_at.slice(0, 10));
        const revoke = async () => {
          if (!(await ask(this.#root, revoking()))) return;
          await this.#calendar.revokeFeed(id);
          await this.load();
        };
        const end = () => void this.#attempt(revoke);
        return h(
          "li",
          {},
          `${text} `,
          button(texts.feeds.revoke, end, { kind: "small", label: texts.feeds.revokeOne(text) }),
        );
      }),
    );
  }
}

/** The imported busy times, with their faults. */
class BusyList {
  readonly elements: readonly HTMLElement[];
  readonly #calendar: StaffCalendar;
  readonly #attempt: Attempt;
  readonly #root: HTMLElement;
  readonly #list = h("ul", { class: "sheet-text", "aria-label": texts.feeds.busy });

  constructor(root: HTMLElement, calendar: StaffCalendar, attempt: Attempt) {
    this.#root = root;
    this.#calendar = calendar;
    this.#attempt = attempt;
    const url = h("input", { type: "url", name: "url", placeholder: "https://…/calendar.ics" });
    const add = () =>
      attempt(async () => {
        await calendar.addBusy(url.value);
        url.value = "";
        await this.load();
      });
    this.elements = [
      field(texts.feeds.block, url, texts.feeds.icalendar),
      button(texts.feeds.add, () => void add(), { kind: "primary", label: texts.feeds.addBusy }),
      this.#list,
    ];
  }

  async load(): Promise<void> {
    const found = await this.#calendar.listBusy();
    this.#list.replaceChildren(
      ...found.map(({ id, name, host, fetched_at, error }) => {
        const text = name || host || texts.feeds.file;
        const state =
          error ?? (fetched_at === undefined ? texts.feeds.notRead : texts.feeds.inForce);
        const drop = async () => {
          if (!(await ask(this.#root, removing(text)))) return;
          await this.#calendar.removeBusy(id);
          await this.load();
        };
        const end = () => void this.#attempt(drop);
        return h(
          "li",
          {},
          `${text}: ${state} `,
          button(texts.feeds.remove, end, { kind: "small", label: texts.feeds.removeOne(text) }),
        );
      }),
    );
  }
}
