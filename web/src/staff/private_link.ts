/** Makes a link with a token, for reading a calendar or booking in it. */

import { button } from "../ui/button";
import { openOnce, sheet } from "../ui/dialog/dialog";
import { field, Problem } from "../ui/field";
import type { StaffCalendar } from "../client";
import { adviceFor } from "../ui/feedback/advice";
import { copyLink } from "../ui/dialog/clipboard";
import { h, setText } from "../ui/dom";
import { calendarPage, guestLink } from "../address/calendar_link";
import { dayKey, dayTitle, type Locale, timeText } from "../ui/time";

const DAY_S = 86_400;
const LIFETIMES = [
  [DAY_S, "One day"],
  [7 * DAY_S, "A week"],
  [30 * DAY_S, "30 days"],
  [90 * DAY_S, "90 days"],
  [366 * DAY_S, "A year"],
] as const;
const USUAL_S = 30 * DAY_S;

export function askForLink(
  root: HTMLElement,
  calendar: StaffCalendar,
  zone: string,
  locale: Locale,
): void {
  const options = LIFETIMES.map(([seconds, text]) =>
    h("option", { value: seconds, selected: seconds === USUAL_S }, text),
  );
  const lifetime = h("select", { name: "lifetime" }, ...options);
  const address = h("input", { readonly: true, spellcheck: "false", name: "link" });
  const ends = h("p", { class: "sheet-text" });
  const copied = h("p", { class: "preview", role: "status" });
  const problem = new Problem();

  const make = async () => {
    problem.show("");
    submit.disabled = true;
    try {
      const { token, expires_at } = await calendar.link(Number(lifetime.value));
      address.value = guestLink(calendarPage(location.origin, calendar.id), token);
      const at = Date.parse(expires_at);
      const day = dayTitle(dayKey(at, zone), "", locale);
      setText(ends, `It ends on ${day}, ${timeText(at, zone, locale)}. Each link is new.`);
      setText(copied, "");
      made.hidden = false;
      address.focus();
      address.select();
    } catch (error) {
      problem.show(adviceFor(error));
    } finally {
      submit.disabled = false;
    }
  };
  const copy = async () => {
    if (await copyLink(root, "Link to the calendar", address.value)) setText(copied, "Copied.");
  };
  const submit = button("Make a link", () => void make(), { kind: "primary" });
  const made = h(
    "div",
    { class: "form", hidden: true },
    field("The link", address),
    ends,
    h(
      "div",
      { class: "actions" },
      button("Copy link", () => void copy(), { kind: "small" }),
    ),
    copied,
  );
  const dialog = sheet(
    { id: "link-made-title", title: "A link to this calendar", isForm: true },
    h("p", { class: "sheet-text" }, "Whoever has it sees this calendar and can book in it."),
    field("It is good for", lifetime),
    problem.element,
    made,
    h(
      "div",
      { class: "actions" },
      submit,
      button("Done", () => dialog.close(), { kind: "quiet" }),
    ),
  );
  openOnce(root, dialog);
}
