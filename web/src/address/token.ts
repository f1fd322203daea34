/** Takes a secret from the address's fragment, which no server sees and no log keeps. It leaves the
 * address bar at once, so nobody shares or bookmarks it by accident. */

import type { Proof } from "../client";
import { isManageLink, readProof } from "./calendar_link";

export function takeToken(name: string): string | undefined {
  const key = `slotcast.token.${name}`;
  const given = tokenGiven();
  if (given) {
    remember(key, given);
    takeOut("token");
    return given;
  }
  return recall(key);
}

/** Calls back for a link that is opened on the page it leads to: the browser loads nothing anew. A
 * link with a token loads the page again. */
export function onLink(take: () => void = () => {}): void {
  window.addEventListener("hashchange", () => {
    if (tokenGiven()) location.reload();
    else take();
  });
}

/** The booking of a customer's link; null for a damaged link. */
export function takeProof(): Proof | null | undefined {
  if (!isManageLink(location.hash)) return undefined;
  const proof = readProof(location.hash);
  takeOut("booking");
  return proof ?? null;
}

const tokenGiven = () => new URLSearchParams(location.hash.slice(1)).get("token");

function takeOut(name: string): void {
  const fragment = new URLSearchParams(location.hash.slice(1));
  fragment.delete(name);
  const rest = String(fragment);
  history.replaceState(null, "", location.pathname + location.search + (rest && `#${rest}`));
}

export function forgetToken(name: string): void {
  try {
    sessionStorage.removeItem(`slotcast.token.${name}`);
  } catch {
    // The browser may forbid storage; then nothing was kept.
  }
}

function remember(key: string, token: string): void {
  try {
    sessionStorage.setItem(key, token);
  } catch {
    // The browser may forbid storage; then the token lasts as long as the page.
  }
}

function recall(key: string): string | undefined {
  try {
    return sessionStorage.getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}
