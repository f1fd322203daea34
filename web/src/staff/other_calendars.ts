/** The sheet for other calendars: private addresses of the feed, and imported busy times. */

import { button } from "../ui/button";
import { openOnce, sheet } from "../ui/dialog/dialog";
import { field, Problem } from "../ui/field";
import type { StaffCalendar } from "../client";
import { adviceFor } from "../ui/feedback/advice";
import { copyLink } from "../ui/dialog/clipboard";
import { h, setText } from "../ui/dom";

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
  const busy = new BusyList(calendar, attempt);
  const dialog = sheet(
    { id: "other-calendars-title", title: "Other calendars", isForm: true },
    ...feeds.elements,
    ...busy.elements,
    problem.element,
    h(
      "div",
      { class: "actions" },
      button("Done", () => dialog.close(), { kind: "quiet" }),
    ),
  );
  openOnce(root, dialog);
  void attempt(async () => {
    await Promise.all([feeds.load(), busy.load()]);
  });
}

type Attempt = (work: () => Promise<void>) => Promise<void>;

/** The private addresses. An address is shown once, when it is made. */
class FeedList {
  readonly elements: readonly HTMLElement[];
  readonly #calendar: StaffCalendar;
  readonly #attempt: Attempt;
  readonly #list = h("ul", { class: "sheet-text", "aria-label": "Private addresses" });

  constructor(root: HTMLElement, calendar: StaffCalendar, attempt: Attempt) {
    this.#calendar = calendar;
    this.#attempt = attempt;
    const address = h("input", { readonly: true, spellcheck: "false", name: "address" });
    const copied = h("p", { class: "preview", role: "status" });
    const copy = async () => {
      if (await copyLink(root, "Address of the calendar", address.value))
        setText(copied, "Copied.");
    };
    const made = h(
      "div",
      { class: "form", hidden: true },
      field("The address", address, "shown only now"),
      button("Copy address", () => void copy(), { kind: "small" }),
      copied,
    );
    const scope = h(
      "select",
      { name: "scope" },
      h("option", { value: "slots" }, "Free and busy times"),
      h("option", { value: "bookings" }, "Bookings with their customers"),
    );
    const make = () =>
      attempt(async () => {
        const { token } = await calendar.createFeed(scope.value as "slots" | "bookings");
        const path = `/calendars/${encodeURIComponent(calendar.id)}.ics`;
        address.value = `${location.origin}${path}?key=${token}`;
        setText(copied, "");
        made.hidden = false;
        address.select();
        await this.load();
      });
    this.elements = [
      h("p", { class: "sheet-text" }, "Whoever has a private address reads this calendar."),
      field("A calendar program sees", scope),
      button("Make an address", () => void make(), { kind: "primary" }),
      made,
      this.#list,
    ];
  }

  async load(): Promise<void> {
    const found = await this.#calendar.listFeeds();
    this.#list.replaceChildren(
      ...found.map(({ id, scope, created_at }) => {
        const text = `${scope === "slots" ? "Times" : "Bookings"}, made ${created_at.slice(0, 10)}`;
        const revoke = async () => {
          await this.#calendar.revokeFeed(id);
          await this.load();
        };
        const end = () => void this.#attempt(revoke);
        return h(
          "li",
          {},
          `${text} `,
          button("Revoke", end, { kind: "small", label: `Revoke ${text}` }),
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
  readonly #list = h("ul", { class: "sheet-text", "aria-label": "Busy times" });

  constructor(calendar: StaffCalendar, attempt: Attempt) {
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
      field("Block the times of another calendar", url, "its iCalendar address"),
      button("Add", () => void add(), { kind: "primary", label: "Add busy times" }),
      this.#list,
    ];
  }

  async load(): Promise<void> {
    const found = await this.#calendar.listBusy();
    this.#list.replaceChildren(
      ...found.map(({ id, name, host, fetched_at, error }) => {
        const text = name || host || "A file";
        const state = error ?? (fetched_at === undefined ? "not read yet" : "in force");
        const drop = async () => {
          await this.#calendar.removeBusy(id);
          await this.load();
        };
        const end = () => void this.#attempt(drop);
        return h(
          "li",
          {},
          `${text}: ${state} `,
          button("Remove", end, { kind: "small", label: `Remove ${text}` }),
        );
      }),
    );
  }
}
