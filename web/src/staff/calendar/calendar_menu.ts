/** The menu with the rarer actions of the shown calendar. */

import type { MenuItem } from "../../ui/menu";
import { showBlocks } from "../blocks/blocks_sheet";
import { showOtherCalendars } from "./other_calendars";
import { askForLink } from "./private_link";
import { archive, showSettings } from "../settings/settings_sheet";
import type { StaffContext } from "../staff_context";
import { texts } from "../texts";

export function calendarMenu(context: StaffContext, reload: () => void): readonly MenuItem[] {
  const isArchived = context.calendar()?.info?.archived ?? false;
  const change = () => void archive(context).then(reload);
  const feeds = { text: texts.calendar.feeds, onclick: () => showFeeds(context) };
  if (isArchived) return [feeds, { text: texts.calendar.bringBack, onclick: change }];
  return [
    { text: texts.calendar.settings, onclick: () => showSettings(context) },
    { text: texts.calendar.makeLink, onclick: () => makeLink(context) },
    feeds,
    { text: texts.blocks.title, onclick: () => showBlocked(context) },
    { text: texts.calendar.archive, isGrave: true, onclick: change },
  ];
}

export function showFeeds(context: StaffContext): void {
  const calendar = context.calendar();
  if (calendar !== undefined) showOtherCalendars(context.root, calendar);
}

function showBlocked(context: StaffContext): void {
  const calendar = context.calendar();
  if (calendar !== undefined) showBlocks(context, calendar);
}

export function makeLink(context: StaffContext): void {
  const calendar = context.calendar();
  if (calendar !== undefined) askForLink(context, calendar);
}
