/** Makes a link with a token, for reading a calendar or booking in it. */

import { pageHome } from "../../address/home";
import { button } from "../../ui/button";
import { openOnce, sheet } from "../../ui/dialog/dialog";
import { field, Problem } from "../../ui/field";
import type { StaffCalendar } from "../../client";
import { copyLink } from "../../ui/dialog/clipboard";
import { h, setText } from "../../ui/dom";
import type { Credential } from "../access/access_client";
import { credentialRow } from "../access/credential_row";
import type { StaffContext } from "../staff_context";
import { calendarPage, guestLink } from "../../address/calendar_link";
import { dayKey, dayTitle, timeText } from "../../ui/time";
import { adviceFor, texts } from "../texts";

const DAY_S = 86_400;
const LIFETIMES = [
  [DAY_S, "day"],
  [7 * DAY_S, "week"],
  [30 * DAY_S, "month"],
  [90 * DAY_S, "quarter"],
  [366 * DAY_S, "year"],
] as const;
const USUAL_S = 30 * DAY_S;

interface Links {
  readonly links: readonly Credential[];
}

export function askForLink(context: StaffContext, calendar: StaffCalendar): void {
  const { root, access, locale } = context;
  const zone = context.zone();
  const options = LIFETIMES.map(([seconds, name]) =>
    h("option", { value: seconds, selected: seconds === USUAL_S }, texts.link[name]),
  );
  const lifetime = h("select", { name: "lifetime" }, ...options);
  const address = h("input", { readonly: true, spellcheck: "false", name: "link" });
  const ends = h("p", { class: "sheet-text" });
  const copied = h("p", { class: "preview", role: "status" });
  const problem = new Problem();

  const list = h("ul", { class: "access-list", "aria-label": texts.link.inUse });
  const inUse = h("details", { hidden: true }, h("summary", {}, texts.link.inUse), list);
  const failed = (error: unknown) => problem.show(adviceFor(error));
  const revoke = async ({ id }: Credential) => {
    await access.ask("DELETE", `/links/${encodeURIComponent(id)}`);
    await load();
  };
  const load = async () => {
    const path = `/calendars/${encodeURIComponent(calendar.id)}/links`;
    const { links } = await access.ask<Links>("GET", path);
    const setting = { root, calendars: [], revoke, failed };
    list.replaceChildren(...links.map((link) => credentialRow(link, setting)));
    inUse.hidden = links.length === 0;
  };

  const make = async () => {
    problem.show("");
    submit.disabled = true;
    try {
      const { token, expires_at } = await calendar.link(Number(lifetime.value));
      address.value = guestLink(calendarPage(pageHome(), calendar.id), token);
      const at = Date.parse(expires_at);
      const day = dayTitle(dayKey(at, zone), "", locale);
      setText(ends, texts.link.ends(day, timeText(at, zone, locale)));
      setText(copied, "");
      made.hidden = false;
      address.focus();
      address.select();
      await load();
    } catch (error) {
      problem.show(adviceFor(error));
    } finally {
      submit.disabled = false;
    }
  };
  const copy = async () => {
    if (await copyLink(root, texts.link.toCalendar, address.value, locale.texts))
      setText(copied, texts.link.copied);
  };
  const submit = button(texts.link.make, () => void make(), { kind: "primary" });
  const made = h(
    "div",
    { class: "form", hidden: true },
    field(texts.link.theLink, address),
    ends,
    h(
      "div",
      { class: "actions" },
      button(texts.link.copy, () => void copy(), { kind: "small" }),
    ),
    copied,
  );
  const dialog = sheet(
    { id: "link-made-title", title: texts.link.title, isForm: true },
    h("p", { class: "sheet-text" }, texts.link.text),
    field(texts.link.goodFor, lifetime),
    problem.element,
    made,
    inUse,
    h(
      "div",
      { class: "actions" },
      submit,
      button(texts.sheet.done, () => dialog.close(), { kind: "quiet" }),
    ),
  );
  openOnce(root, dialog);
  load().catch(failed);
}
