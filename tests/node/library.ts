/** The client library as an application has it: `node library.js <url> <calendar> <transport>`.
 *
 * Whenever it is asked for a token it says so and takes the next line of its input. When it has the
 * calendar it books once and cancels, and then tells of every change. */

import { createInterface } from "node:readline";
import {
  type Booking,
  type Calendar,
  connect,
  connectStaff,
  type BookingOutcome,
  type OwnBooking,
  SlotcastError,
  type Transport,
} from "slotcast-client";

const [url = "", name = "", transport = "websocket"] = process.argv.slice(2);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const say = (value: unknown): void => console.log(JSON.stringify(value));

async function token(): Promise<string> {
  say({ asks: true });
  return String(JSON.parse((await lines.next()).value));
}

async function bookAndCancel(calendar: Calendar): Promise<void> {
  const slot = calendar.slots.find(({ bookable }) => bookable);
  if (slot === undefined) throw new Error("There is no slot to book.");
  const hold = await calendar.hold(slot.id);
  const booking: Booking = await calendar.book(slot.id, { hold, customer: { name: "Ada" } });
  const read: OwnBooking = await calendar.booking(booking);
  const cancelled: Booking = await calendar.cancel(read);
  const tokens = new Set([booking.token, read.token, cancelled.token]);
  say({ customer: read.customer?.name, status: cancelled.status, tokens: tokens.size });
}

/** Compiled, never run: what staff are answered with. */
export async function confirm(booking: string): Promise<BookingOutcome> {
  const desk = connectStaff(url, { token });
  const { info } = await desk.mutate("calendar.update", { id: name, name: "Desk" });
  // @ts-expect-error A customer is told by changes, not by this answer.
  void (await desk.calendar(info.id).confirm(booking)).customer;
  const { bookings, next_page } = await desk.findBookings({ q: "ada", status: "confirmed" });
  say({ starts: bookings.map(({ start }) => start), next_page });
  say(await desk.eraseCustomer("ada@example.org"));
  const { slots } = await desk.findSlots({ calendars: [name, "other"], bookable: true, seats: 2 });
  say(slots.map(({ calendar }) => calendar));
  return desk.calendar(info.id).noShow(booking);
}

const client = connect(url, { token, transports: [transport as Transport] });
const calendar = client.calendar(name);
client.onStatus((status) => say({ state: status.state, by: status.transport }));
let isFirst = true;
calendar.subscribe((event) => {
  if (event.kind === "change") say({ seq: event.change.seq });
  else if (event.kind === "refused") say({ refused: event.error.code });
  else if (isFirst) {
    isFirst = false;
    bookAndCancel(calendar).catch((error: unknown) => {
      say({ failed: error instanceof SlotcastError ? error.code : String(error) });
    });
  }
});
