/** The storage of a client: the browser's, or the one of an app. */

/** `localStorage`, React Native's `AsyncStorage`, or anything with these three members. */
export interface ClientStorage {
  getItem(name: string): string | null | Promise<string | null>;
  setItem(name: string, text: string): unknown;
  removeItem(name: string): unknown;
}

/** Returns the storage of the tab; none outside of a page, or where the browser forbids it. Another
 * tab must not release a hold that this one is asking for. */
export function tabStorage(): ClientStorage | undefined {
  try {
    return typeof document === "undefined" ? undefined : sessionStorage;
  } catch {
    return undefined;
  }
}
