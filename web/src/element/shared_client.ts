/** The connections of the elements of a page: elements of one server and one token share one. */

import { connect, type SlotcastClient } from "../client";

interface Shared {
  readonly client: SlotcastClient;
  /** The number of elements of each calendar. */
  readonly users: Map<string, number>;
}

export interface Lease {
  readonly client: SlotcastClient;
  release(): void;
}

const open = new Map<string, Shared>();

/** Returns the client for a calendar. The last release of a calendar leaves it, and the last one of
 * all closes the connection. */
export function leaseClient(
  url: string,
  calendar: string,
  token: string | undefined,
  make: typeof connect = connect,
): Lease {
  const name = JSON.stringify([new URL(url, globalThis.location?.href).href, token]);
  const shared: Shared = open.get(name) ?? {
    client: make(url, token === undefined ? {} : { token }),
    users: new Map(),
  };
  open.set(name, shared);
  const { client, users } = shared;
  users.set(calendar, (users.get(calendar) ?? 0) + 1);
  let isReleased = false;
  return {
    client,
    release() {
      if (isReleased) return;
      isReleased = true;
      const left = (users.get(calendar) ?? 1) - 1;
      if (left > 0) return void users.set(calendar, left);
      users.delete(calendar);
      client.leave(calendar);
      if (users.size > 0) return;
      open.delete(name);
      client.close();
    },
  };
}
