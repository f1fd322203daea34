/** The address of the page: its query holds what is shown, so that a reload, a colleague and the
 * Back button find it again. */

export type QueryChange = Readonly<Record<string, string | undefined>>;

/** Returns the address with these members changed; undefined and "" take one out. */
export function addressWith(change: QueryChange): string {
  const query = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(change)) {
    if (value === undefined || value === "") query.delete(name);
    else query.set(name, value);
  }
  const text = String(query);
  return location.pathname + (text && `?${text}`);
}

/** Writes members into the address. A step is a new entry of the browser's history. */
export function writeQuery(change: QueryChange, isStep = false): void {
  const address = addressWith(change);
  if (address === location.pathname + location.search) return;
  if (isStep) history.pushState(null, "", address);
  else history.replaceState(null, "", address);
}

export const readQuery = (name: string): string =>
  new URLSearchParams(location.search).get(name) ?? "";
