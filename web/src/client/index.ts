/** Slotcast's client: calendars of bookable time slots, live.
 *
 *     const client = connect("https://book.example.org");
 *     const calendar = client.calendar("demo");
 *     calendar.subscribe(() => render(calendar.slots));
 *     const hold = await calendar.hold(slot.id);
 *     const booking = await calendar.book(slot.id, { hold, customer: { name: "Ada" } });
 */

export { connect, type ConnectOptions, type SlotcastClient } from "./client.ts";
export { connectStaff, StaffClient } from "./staff_client.ts";
export type {
  BookOptions,
  Calendar,
  CalendarEvent,
  CalendarListener,
  KeyOption,
  OwnBooking,
  Proof,
} from "./calendar.ts";
export type { Token } from "./connection/token.ts";
export { type ErrorCode, SlotcastError } from "./error.ts";
export { newKey } from "./key.ts";
export { listCalendars, type ListOptions } from "./list.ts";
export type { BookingSearch, SlotSearch } from "./search.ts";
export { MOST_SLOTS } from "./staff.ts";
export type { CallerBooking, Correction, ExplainedRule, Explanation } from "./staff.ts";
export type { HistoryPage, NewSlot, OverrideOption, SlotEdit, StaffCalendar } from "./staff.ts";
export type { ClientStorage } from "./storage.ts";
export {
  REASONS,
  type Reason,
  type State,
  type Status,
  type Transport,
} from "./transports/state.ts";
export type * from "./wire.ts";
