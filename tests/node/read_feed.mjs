// Reads an iCalendar file from its standard input with ical.js, and prints its events.
import { text } from "node:stream/consumers";
import ICAL from "ical.js";

const calendar = new ICAL.Component(ICAL.parse(await text(process.stdin)));
const events = calendar.getAllSubcomponents("vevent").map((component) => {
  const event = new ICAL.Event(component);
  return {
    uid: event.uid,
    start: event.startDate.toJSDate().toISOString(),
    end: event.endDate.toJSDate().toISOString(),
    summary: event.summary,
    description: event.description,
    sequence: event.sequence,
    status: component.getFirstPropertyValue("status"),
    stamp: component.getFirstPropertyValue("dtstamp").toJSDate().toISOString(),
    modified: component.getFirstPropertyValue("last-modified").toJSDate().toISOString(),
  };
});
console.log(JSON.stringify({ events }));
