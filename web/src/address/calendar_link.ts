/** A customer's link to their own booking: `/c/<calendar>#booking=<id>.<token>`. The proof stands
 * in the fragment: no server sees it, and no log keeps it. */

import type { Proof } from "../client";

/** A UUID, and 128 bits in base64url. */
const PROOF = /^([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\.([A-Za-z0-9_-]{16,128})$/;

export function manageLink(page: string | URL, { id, token }: Proof): string {
  const url = new URL(page);
  url.hash = `booking=${id}.${token}`;
  return url.href;
}

/** Reads the proof of a fragment, or undefined for a damaged link. */
export function readProof(fragment: string): Proof | undefined {
  const given = new URLSearchParams(fragment.replace(/^#/, "")).get("booking")?.trim();
  const [, id, token] = PROOF.exec(given ?? "") ?? [];
  return id === undefined || token === undefined ? undefined : { id, token };
}

export const isManageLink = (fragment: string): boolean =>
  new URLSearchParams(fragment.replace(/^#/, "")).has("booking");

/** A link to a calendar, with the token for reading it or booking in it. */
export function guestLink(page: string | URL, token: string): string {
  const url = new URL(page);
  url.hash = `token=${token}`;
  return url.href;
}

/** The address of a calendar's booking page on the server at `home`. */
export function calendarPage(home: string | URL, calendar: string): URL {
  const base = new URL(home, typeof location === "undefined" ? undefined : location.href);
  return new URL(`${base.pathname.replace(/\/$/, "")}/c/${encodeURIComponent(calendar)}`, base);
}
