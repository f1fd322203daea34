/** The members to check in the answers to requests of staff. It stands apart, so that the element has none of it. */

import { BOOKED, BOOKING, CURSOR, INFO, type Shape, SLOT } from "./shape_part.ts";
import { STAFF_ANSWER_TYPES } from "./wire.ts";

const FEED: Shape = { id: "string", calendar: "string", scope: "string", created_at: "string" };
const ENTRY: Shape = { seq: "number", at: "string", command: "string", actor: "string" };
const EXPORTED: Shape = { calendar: "string", seq: "number", at: "string", booking: "string" };
const BLOCK: Shape = { id: "string", calendar: "string", kind: "string" };
const SOURCE: Shape = { id: "string", calendar: "string", name: "string" };

const SHAPES: Readonly<
  Record<(typeof STAFF_ANSWER_TYPES)[keyof typeof STAFF_ANSWER_TYPES], Shape>
> = {
  BookingOutcomeAnswer: BOOKED,
  InfoAnswer: { ...CURSOR, info: INFO },
  LinkAnswer: { token: "string", expires_at: "string" },
  OwnFeedAnswer: { ...CURSOR, feed: { ...FEED, token: "string" } },
  FeedsAnswer: { feeds: [FEED] },
  FeedAnswer: { ...CURSOR, feed: FEED },
  BusyAnswer: { ...CURSOR, source: SOURCE },
  BusyListAnswer: { sources: [SOURCE] },
  BlockAnswer: { block: BLOCK },
  BlocksAnswer: { blocks: [BLOCK] },
  HistoryAnswer: { entries: [ENTRY] },
  ScheduleAnswer: { opened: "number", removed: "number", updated: "number", kept: [SLOT] },
  SlotsAnswer: { ...CURSOR, slots: [SLOT] },
  SlotAnswer: { ...CURSOR, slot: SLOT },
  BookingsAnswer: { bookings: [BOOKING] },
  CancelledAnswer: { cancelled: "number", calendars: "number" },
  ErasedAnswer: { erased: "number", calendars: "number" },
  ExportAnswer: { bookings: [BOOKING], entries: [EXPORTED] },
  ServerAnswer: { server_time: "string", started_at: "string", nodes: "number" },
};

export const staffShapeOf = (name: string): Shape =>
  name in STAFF_ANSWER_TYPES
    ? SHAPES[STAFF_ANSWER_TYPES[name as keyof typeof STAFF_ANSWER_TYPES]]
    : {};
