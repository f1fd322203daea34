/** The list of visible calendars. */

import { calendarPage } from "../address/calendar_link";
import type { CalendarInfo } from "../client";
import { listCalendars } from "../client/list.ts";
import { adviceFor } from "../ui/feedback/advice";
import type { Catalog } from "../language/english";
import { button } from "../ui/button";
import { h, icon } from "../ui/dom";
import { durationText, zoneText } from "../ui/time";

function card(home: string, info: CalendarInfo, texts: Catalog): HTMLElement {
  const { id, name, zone, visibility, policy } = info;
  const facts = [
    zoneText(zone, Date.now()),
    policy.confirmation === "staff" && texts.page.byHand,
    policy.min_notice > 0 && texts.page.ahead(durationText(policy.min_notice * 1_000, texts)),
  ].filter((fact) => fact !== false);
  return h(
    "li",
    {},
    h(
      "a",
      { class: "card", href: calendarPage(home, id).href },
      h("span", { class: "card-mark", "aria-hidden": "true" }, icon("calendar")),
      h(
        "span",
        { class: "card-text" },
        h("span", { class: "card-name" }, name),
        h("span", { class: "card-facts" }, facts.join(" · ")),
      ),
      visibility === "private"
        ? h("span", { class: "tag" }, icon("lock"), texts.page.private)
        : h("span", { class: "card-go", "aria-hidden": "true" }, icon("arrow")),
    ),
  );
}

/** Fetches the calendars of the server at `home` and draws them into `list`. */
export async function showCalendars(
  list: HTMLElement,
  home: string,
  texts: Catalog,
): Promise<void> {
  const { page } = texts;
  try {
    const calendars = await listCalendars(home);
    const open = calendars.filter((calendar) => !calendar.archived);
    if (open.length > 0) list.replaceChildren(...open.map((info) => card(home, info, texts)));
    else list.replaceChildren(blank(page.noCalendars, page.noCalendarsText));
  } catch (error) {
    const again = button(page.tryAgain, () => void showCalendars(list, home, texts));
    list.replaceChildren(blank(page.notNow, adviceFor(error, texts), again));
  }
}

const blank = (title: string, text: string, ...more: readonly HTMLElement[]): HTMLElement =>
  h("li", { class: "blank" }, h("h2", {}, title), h("p", {}, text), ...more);
