/** Requests about several calendars at once: free slots for everyone, bookings for staff. */

import type { RequestClient } from "./request_client.ts";
import { FOUND_SLOTS } from "./shape.ts";
import type {
  BookingStatus,
  BookingsAnswer,
  ErasedAnswer,
  Fields,
  FoundSlotsAnswer,
} from "./wire.ts";

export interface SlotSearch {
  /** 1 to 50 ids. */
  readonly calendars: readonly string[];
  readonly from?: string;
  readonly to?: string;
  /** Only slots that can be taken now. */
  readonly bookable?: boolean;
  /** Only slots that can take so many seats now. */
  readonly seats?: number;
  readonly limit?: number;
  /** The `next_page` of an answer. */
  readonly page?: string;
}

export interface BookingSearch {
  /** Without it, the bookings of all calendars of the token. */
  readonly calendar?: string;
  readonly from?: string;
  readonly to?: string;
  readonly status?: BookingStatus;
  /** Text within the customer's name, e-mail address, phone number or note. */
  readonly q?: string;
  readonly updated_after?: string;
  readonly limit?: number;
  /** The `next_page` of an answer. */
  readonly page?: string;
}

/** Reads one page of slots, by start. */
export async function findSlots(
  requests: RequestClient,
  { calendars, ...search }: SlotSearch,
): Promise<FoundSlotsAnswer> {
  const query: Record<string, string> = { calendars: calendars.join(",") };
  for (const [name, value] of Object.entries(search)) {
    if (value !== undefined)
      query[name] = value === true ? "1" : value === false ? "0" : `${value}`;
  }
  return (await requests.fetch("/slots", FOUND_SLOTS, query)) as unknown as FoundSlotsAnswer;
}

/** Reads one page of bookings, the latest made first. */
export const findBookings = (
  requests: RequestClient,
  search: BookingSearch,
): Promise<BookingsAnswer> => {
  // Without `limit` a calendar with a window would be listed by start.
  const fields: Fields = { limit: 100, ...search };
  return requests.read("booking.list", fields);
};

/** Erases every booking's customer with the address, page by page to the end. Resolves with the
 * number of bookings. */
export async function eraseCustomer(requests: RequestClient, email: string): Promise<number> {
  let erased = 0;
  let fields: Fields | undefined = { email };
  while (fields !== undefined) {
    const answer: ErasedAnswer = await requests.read("customer.erase", fields);
    erased += answer.erased;
    const { next_page: page } = answer;
    fields = page === undefined ? undefined : { email, page };
  }
  return erased;
}
