/** Makes a link to a calendar that only a token opens, or books in. */

import type { StaffCalendar } from "../client";
import { adviceFor } from "../ui/advice";
import { copyLink } from "../ui/clipboard";
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
  const problem = h("p", { class: "problem", role: "alert", hidden: true });
  const button = (text: string, kind: string, onclick: () => void) =>
    h("button", { type: "button", class: `button ${kind}`, onclick }, text);

  const make = async () => {
    problem.hidden = true;
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
      setText(problem, adviceFor(error));
      problem.hidden = false;
    } finally {
      submit.disabled = false;
    }
  };
  const copy = async () => {
    if (await copyLink(root, "Link to the calendar", address.value)) setText(copied, "Copied.");
  };
  const submit = button("Make a link", "primary", () => void make());
  const made = h(
    "div",
    { class: "form", hidden: true },
    field("The link", address),
    ends,
    h(
      "div",
      { class: "actions" },
      button("Copy link", "small", () => void copy()),
    ),
    copied,
  );
  const dialog = h(
    "dialog",
    { class: "sheet", "aria-labelledby": "link-made-title" },
    h(
      "div",
      { class: "sheet-body form" },
      h("h2", { class: "sheet-title", id: "link-made-title" }, "A link to this calendar"),
      h("p", { class: "sheet-text" }, "Whoever has it sees this calendar and can book in it."),
      field("It is good for", lifetime),
      problem,
      made,
      h(
        "div",
        { class: "actions" },
        submit,
        button("Done", "quiet", () => dialog.close()),
      ),
    ),
  );
  dialog.addEventListener("close", () => dialog.remove());
  root.append(dialog);
  dialog.showModal();
}

const field = (label: string, control: HTMLElement): HTMLElement =>
  h("label", { class: "field" }, h("span", { class: "field-label" }, label), control);
