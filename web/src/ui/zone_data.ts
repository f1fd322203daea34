/** The server's offsets of zones. They come before those of the browser, whose zone data may be
 * older, or lack a zone. */

import type { Offset } from "../client";

/** The instants from which the offsets hold, and their length, in milliseconds. */
interface Known {
  readonly starts: readonly number[];
  readonly offsets: readonly number[];
  readonly end: number;
}

const zones = new Map<string, Known>();

/** Keeps the offsets of a zone up to `to`, an instant. The latest ones count. */
export function learnOffsets(zone: string, offsets: readonly Offset[], to: string): void {
  if (offsets.length === 0) return;
  zones.set(zone, {
    starts: offsets.map(({ from }) => Date.parse(from)),
    offsets: offsets.map(({ seconds }) => seconds * 1_000),
    end: Date.parse(to),
  });
}

/** Returns the offset of a zone at an instant, in milliseconds; undefined outside of what the server
 * has told. For a zone that the browser lacks it is the nearest known one. */
export function knownOffset(zone: string, instant: number): number | undefined {
  const known = zones.get(zone);
  if (known === undefined) return undefined;
  const { starts, offsets, end } = known;
  const isTold = instant >= (starts[0] ?? 0) && instant < end;
  if (!isTold && isInBrowser(zone)) return undefined;
  let place = starts.length - 1;
  while (place > 0 && (starts[place] ?? 0) > instant) place -= 1;
  return offsets[place];
}

/** Whether times of a zone can be shown. */
export const isZone = (zone: string): boolean => zones.has(zone) || isInBrowser(zone);

const inBrowser = new Map<string, boolean>();

export function isInBrowser(zone: string): boolean {
  let is = inBrowser.get(zone);
  if (is === undefined) {
    try {
      new Intl.DateTimeFormat("en", { timeZone: zone });
      is = true;
    } catch {
      is = false;
    }
    inBrowser.set(zone, is);
  }
  return is;
}
