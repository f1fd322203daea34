/** The calendars of the caller's roles, by name. */

import type { CalendarInfo, StaffClient } from "../../client";
import { mayRead, type Session } from "../access/access_client";
import { locale } from "../texts";

export class CalendarList {
  readonly #client: StaffClient;
  readonly #session: () => Session | null;
  #all: readonly CalendarInfo[] | undefined;

  constructor(client: StaffClient, session: () => Session | null) {
    this.#client = client;
    this.#session = session;
  }

  /** Absent before the first answer. */
  get all(): readonly CalendarInfo[] | undefined {
    return this.#all;
  }

  get hasNone(): boolean {
    return this.#all?.length === 0;
  }

  /** The number of calendars that are in use. */
  get openCount(): number {
    return this.#all?.filter(({ archived }) => !archived).length ?? 0;
  }

  info(id: string | undefined): CalendarInfo | undefined {
    return this.#all?.find((one) => one.id === id);
  }

  /** The calendar with this id, else the first one that is in use. */
  known(id: string | undefined): CalendarInfo | undefined {
    return this.info(id) ?? this.#all?.find(({ archived }) => !archived) ?? this.#all?.[0];
  }

  /** Reads the list, and returns whether it has changed. The server lists what is public too, and a role of one
   * calendar has nothing to do there. */
  async read(): Promise<boolean> {
    const calendars = await this.#client.calendars({ archived: true });
    const session = this.#session();
    const own = calendars.filter(({ id }) => session === null || mayRead(session.roles, id));
    const before = JSON.stringify(this.#all);
    this.#all = byName(own, locale.language);
    return JSON.stringify(this.#all) !== before;
  }
}

/** "Room 2" stands before "Room 10". */
export function byName(
  calendars: readonly CalendarInfo[],
  language: string,
): readonly CalendarInfo[] {
  const { compare } = new Intl.Collator(language, { numeric: true });
  return [...calendars].sort((one, other) => compare(one.name, other.name));
}
