/** `/`: the calendars that there are. */

import "../style/base.css";
import "../style/list.css";
import type { CalendarInfo } from "../client";
import { listCalendars } from "../client/list.ts";
import { adviceFor } from "../ui/advice";
import { h, icon } from "../ui/dom";
import { durationText, visitorZone, zoneText } from "../ui/time";

const list = document.querySelector(".calendars") as HTMLElement;

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

async function show(): Promise<void> {
  try {
    const calendars = await listCalendars(location.origin);
    const open = calendars.filter((calendar) => !calendar.archived);
    list.replaceChildren(...open.map(card));
    if (open.length > 0) return;
    list.replaceChildren(
      h(
        "li",
        { class: "blank" },
        h("h2", {}, "No calendars yet"),
        h("p", {}, "Staff can make one."),
      ),
    );
  } catch (error) {
    const again = h("button", { type: "button", class: "button", onclick: () => void show() });
    again.textContent = "Try again";
    list.replaceChildren(
      h("li", { class: "blank" }, h("h2", {}, "Not just now"), h("p", {}, adviceFor(error)), again),
    );
  }
}

document.documentElement.dataset.zone = visitorZone();
void show();
