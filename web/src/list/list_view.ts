/** The list of visible calendars. */

import type { CalendarInfo } from "../client";
import { listCalendars } from "../client/list.ts";
import { adviceFor } from "../ui/feedback/advice";
import { button } from "../ui/button";
import { h, icon } from "../ui/dom";
import { durationText, zoneText } from "../ui/time";

function card({ id, name, zone, visibility, policy }: CalendarInfo): HTMLElement {
  const facts = [
    zoneText(zone, Date.now()),
    policy.confirmation === "staff" && "confirmed by hand",
    policy.min_notice > 0 && `${durationText(policy.min_notice * 1_000)} ahead`,
  ].filter((fact) => fact !== false);
  return h(
    "li",
    {},
    h(
      "a",
      { class: "card", href: `/c/${encodeURIComponent(id)}` },
      h("span", { class: "card-mark", "aria-hidden": "true" }, icon("calendar")),
      h(
        "span",
        { class: "card-text" },
        h("span", { class: "card-name" }, name),
        h("span", { class: "card-facts" }, facts.join(" · ")),
      ),
      visibility === "private"
        ? h("span", { class: "tag" }, icon("lock"), "Private")
        : h("span", { class: "card-go", "aria-hidden": "true" }, icon("arrow")),
    ),
  );
}

/** Fetches the calendars of the server at `home` and draws them into `list`. */
export async function showCalendars(list: HTMLElement, home: string): Promise<void> {
  try {
    const calendars = await listCalendars(home);
    const open = calendars.filter((calendar) => !calendar.archived);
    if (open.length > 0) list.replaceChildren(...open.map(card));
    else list.replaceChildren(blank("No calendars yet", "Staff can make one."));
  } catch (error) {
    const again = button("Try again", () => void showCalendars(list, home));
    list.replaceChildren(blank("Not just now", adviceFor(error), again));
  }
}

const blank = (title: string, text: string, ...more: readonly HTMLElement[]): HTMLElement =>
  h("li", { class: "blank" }, h("h2", {}, title), h("p", {}, text), ...more);
