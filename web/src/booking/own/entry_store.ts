/** What this browser keeps of one calendar on one server: each entry under a key of its own.
 *
 * Tabs, and elements on one page, write at the same time, and a browser's processes see each
 * other's writes late, even one that comes right after a lock was released. So nothing is read,
 * merged and written whole: who keeps or drops an entry touches that one only. */

import { newKey } from "../../client/key.ts";

/** Told within the page, choice own writes cause no `storage` event. */
const CHANGED = "slotcast-entries";

/** What the storage would not take lasts as long as the page. */
const unsaved = new Map<string, string>();

/** The server by its address: TLS or not, it is the same one. */
export function serverName(home: string | URL): string {
  const { host, pathname } = new URL(home, location.href);
  return host + pathname.replace(/\/+$/, "");
}

let tab: string | undefined;

/** This tab, over a reload too. */
export function tabId(): string {
  try {
    tab ??= sessionStorage.getItem("slotcast.tab") ?? newKey();
    sessionStorage.setItem("slotcast.tab", tab);
  } catch {
    // Storage may be forbidden; then each page is a tab of its own.
  }
  tab ??= newKey();
  return tab;
}

export class EntryStore {
  readonly #prefix: string;
  readonly #changed: () => void;
  readonly #controller = new AbortController();
  #known: ReadonlyMap<string, unknown> = new Map();

  /** Calls back on each change, whoever made it: this page or another tab. */
  constructor(server: string, calendar: string, changed: () => void) {
    // Neither an address nor a calendar's id has a space in it.
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
    this.#tell(key);
  }

  drop(kind: string, id: string): void {
    const key = `${this.#prefix}${kind} ${id}`;
    unsaved.delete(key);
    try {
      localStorage.removeItem(key);
    } catch {
      // What can't be written can't be read either.
    }
    this.#tell(key);
  }

  #tell(key: string): void {
    window.dispatchEvent(new CustomEvent(CHANGED, { detail: key }));
  }

  /** `null` where everything was cleared. */
  #heard(key: string | null): void {
    if (key !== null && !key.startsWith(this.#prefix)) return;
    this.#known = this.#read();
    this.#changed();
  }

  /** What is there; as before where it can't be read. */
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

/** Undefined for what is damaged, which is left where it is. */
function parse(text: string | null): object | undefined {
  try {
    const entry: unknown = JSON.parse(text ?? "null");
    return typeof entry === "object" && entry !== null ? entry : undefined;
  } catch {
    return undefined;
  }
}
