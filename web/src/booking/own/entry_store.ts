/** The entries of one calendar on one server in this browser's storage, each under its own key.
 *
 * Tabs and elements write at the same time, and Chromium's processes see each other's writes late,
 * even under a lock. So nothing is read, merged and written as a whole: a write touches one entry
 * only. */

import { newKey } from "../../client/key.ts";

/** An event within the page: a page's own writes cause no `storage` event. */
const CHANGED = "slotcast-entries";

/** Entries that the storage refused. They last as long as the page. */
const unsaved = new Map<string, string>();

/** Names the server by its address, with or without TLS. */
export function serverName(home: string | URL): string {
  const { host, pathname } = new URL(home, location.href);
  return host + pathname.replace(/\/+$/, "");
}

let tab: string | undefined;

/** Identifies this tab, also after a reload. */
export function tabId(): string {
  try {
    tab ??= sessionStorage.getItem("slotcast.tab") ?? newKey();
    sessionStorage.setItem("slotcast.tab", tab);
  } catch {
    // The browser may forbid storage. Then each page is a tab of its own.
  }
  tab ??= newKey();
  return tab;
}

export class EntryStore {
  readonly #prefix: string;
  readonly #changed: () => void;
  readonly #controller = new AbortController();
  #known: ReadonlyMap<string, unknown> = new Map();

  /** Calls back on each change by this page or another tab. */
  constructor(server: string, calendar: string, changed: () => void) {
    // An address and a calendar's id have no space.
    this.#prefix = `slotcast.mine ${server} ${calendar} `;
    this.#changed = changed;
    this.#known = this.#read();
    const { signal } = this.#controller;
    window.addEventListener("storage", (event) => this.#heard(event.key), { signal });
    window.addEventListener(CHANGED, (event) => this.#heard((event as CustomEvent).detail), {
      signal,
    });
  }

  close(): void {
    this.#controller.abort();
  }

  all<Entry>(kind: string): readonly Entry[] {
    const begin = `${kind} `;
    return [...this.#known].flatMap(([name, entry]) =>
      name.startsWith(begin) ? [entry as Entry] : [],
    );
  }

  get<Entry>(kind: string, id: string): Entry | undefined {
    return this.#known.get(`${kind} ${id}`) as Entry | undefined;
  }

  put(kind: string, id: string, entry: object): void {
    const key = `${this.#prefix}${kind} ${id}`;
    const text = JSON.stringify(entry);
    try {
      localStorage.setItem(key, text);
      unsaved.delete(key);
    } catch {
      unsaved.set(key, text);
    }
    this.#announce(key);
  }

  drop(kind: string, id: string): void {
    const key = `${this.#prefix}${kind} ${id}`;
    unsaved.delete(key);
    try {
      localStorage.removeItem(key);
    } catch {
      // An entry that cannot be written cannot be read either.
    }
    this.#announce(key);
  }

  #announce(key: string): void {
    window.dispatchEvent(new CustomEvent(CHANGED, { detail: key }));
  }

  /** `null` stands for a cleared storage. */
  #heard(key: string | null): void {
    if (key !== null && !key.startsWith(this.#prefix)) return;
    this.#known = this.#read();
    this.#changed();
  }

  /** Reads all entries. Keeps the known ones if the storage cannot be read. */
  #read(): ReadonlyMap<string, unknown> {
    const texts = new Map<string, string | null>();
    try {
      for (let place = 0; place < localStorage.length; place += 1) {
        const key = localStorage.key(place);
        if (key?.startsWith(this.#prefix)) texts.set(key, localStorage.getItem(key));
      }
    } catch {
      if (this.#known.size > 0) return this.#known;
    }
    for (const [key, text] of unsaved) if (key.startsWith(this.#prefix)) texts.set(key, text);
    const entries = new Map<string, unknown>();
    for (const [key, text] of texts) {
      const entry = parse(text);
      if (entry !== undefined) entries.set(key.slice(this.#prefix.length), entry);
    }
    return entries;
  }
}

/** Returns undefined for a damaged entry, and leaves it in place. */
function parse(text: string | null): object | undefined {
  try {
    const entry: unknown = JSON.parse(text ?? "null");
    return typeof entry === "object" && entry !== null ? entry : undefined;
  } catch {
    return undefined;
  }
}
