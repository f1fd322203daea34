/** A secret comes in the address's fragment, which no server sees and no log keeps. It is taken
 * out of the address bar at once, so that it is neither shared nor bookmarked by accident. */

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

/** Calls back for a link that is opened where the page is already shown: it loads nothing anew.
 * With a token in it the page is as good as another one, and is loaded. */
export function onLink(take: () => void = () => {}): void {
  window.addEventListener("hashchange", () => {
    if (tokenGiven()) location.reload();
    else take();
  });
}

/** The booking that a customer's link opens; null for a link that is damaged. */
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
    // Storage may be forbidden; then nothing was kept.
  }
}

function remember(key: string, token: string): void {
  try {
    sessionStorage.setItem(key, token);
  } catch {
    // Storage may be forbidden; the token then lasts as long as the page.
  }
}

function recall(key: string): string | undefined {
  try {
    return sessionStorage.getItem(key) ?? undefined;
  } catch {
    return undefined;
  }
}
