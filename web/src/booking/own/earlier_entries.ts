/** The entries of an earlier version of the page, stored under the calendar's id alone. They load where
 * there are some. */

import type { Calendar, Proof } from "../../client";
import { fromStored, type MyBooking, type MyHold, type OwnStore } from "./own_store";
import { type Stored, toStored } from "./own_store";

interface Entries {
  readonly holds: readonly MyHold[];
  readonly bookings: readonly MyBooking[];
  readonly proofs: readonly Proof[];
}

/** Takes over the entries whose slot or booking is on this server. The others stay for their own. */
export async function adoptEarlier(mine: OwnStore, calendar: Calendar): Promise<void> {
  const { holds, bookings, proofs } = read(mine.earlier);
  const taken = new Set<string>();
  for (const { request, ...hold } of holds) {
    if (calendar.slot(hold.slot) === undefined) continue;
    mine.keepHold(hold, hold);
    if (request !== undefined) mine.keepRequest(hold.id, request);
    taken.add(hold.id);
  }
  for (const booking of bookings) {
    const isHere = calendar.slot(booking.slot) !== undefined;
    try {
      mine.keepBooking(isHere ? booking : await calendar.booking(booking), booking);
      taken.add(booking.id);
    } catch {
      // It belongs to another server, or cannot be read now.
    }
  }
  for (const proof of proofs) {
    mine.keepProof(proof);
    taken.add(proof.id);
  }
  forget(mine.earlier, taken);
}

function read(name: string): Entries {
  try {
    const kept = JSON.parse(localStorage.getItem(name) ?? "null") as Partial<Entries>;
    const list = <Entry>(entries: readonly Entry[] | undefined) =>
      Array.isArray(entries) ? entries : [];
    return {
      holds: list(kept.holds as readonly Stored<MyHold>[] | undefined).map((hold) =>
        fromStored<MyHold>(hold),
      ),
      bookings: list(kept.bookings),
      proofs: list(kept.proofs),
    };
  } catch {
    return { holds: [], bookings: [], proofs: [] };
  }
}

function forget(name: string, ids: ReadonlySet<string>): void {
  if (ids.size === 0) return;
  const { holds, bookings, proofs } = read(name);
  const rest = {
    holds: holds.filter(({ id }) => !ids.has(id)),
    bookings: bookings.filter(({ id }) => !ids.has(id)),
    proofs: proofs.filter(({ id }) => !ids.has(id)),
  };
  try {
    if (Object.values(rest).every((entries) => entries.length === 0)) localStorage.removeItem(name);
    else {
      const stored = rest.holds.map(toStored);
      localStorage.setItem(name, JSON.stringify({ ...rest, holds: stored }));
    }
  } catch {
    // Then the page takes them over again, which changes nothing.
  }
}
