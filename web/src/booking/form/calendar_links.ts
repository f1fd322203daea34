/** Links that put a booking into a calendar on the web. They have neither the customer nor the
 * booking's token: the other site learns the time and the place only. */

export interface Appointment {
  readonly title: string;
  /** RFC 3339. */
  readonly start: string;
  readonly end: string;
  readonly place: string;
  /** The address of the calendar's page. */
  readonly page: string;
}

/** `20270131T090000Z`, as in RFC 5545. */
const compact = (time: string): string =>
  `${new Date(time).toISOString().slice(0, 19).replace(/[-:]/g, "")}Z`;

export function googleLink({ title, start, end, place, page }: Appointment): string {
  const url = new URL("https://calendar.google.com/calendar/render?action=TEMPLATE");
  url.searchParams.set("text", title);
  url.searchParams.set("dates", `${compact(start)}/${compact(end)}`);
  url.searchParams.set("details", page);
  if (place !== "") url.searchParams.set("location", place);
  return url.href;
}

export function outlookLink({ title, start, end, place, page }: Appointment): string {
  const url = new URL("https://outlook.live.com/calendar/0/deeplink/compose?rru=addevent");
  url.searchParams.set("path", "/calendar/action/compose");
  url.searchParams.set("subject", title);
  url.searchParams.set("startdt", new Date(start).toISOString());
  url.searchParams.set("enddt", new Date(end).toISOString());
  url.searchParams.set("body", page);
  if (place !== "") url.searchParams.set("location", place);
  return url.href;
}
