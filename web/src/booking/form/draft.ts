/** What a visitor has typed into the form, kept in this tab over a reload. */

export interface Draft {
  readonly name: string;
  readonly email: string;
  readonly phone: string;
  readonly note: string;
  /** The answers by their question. */
  readonly answers: Readonly<Record<string, string>>;
}

export class DraftStore {
  readonly #key: string;

  constructor(server: string, calendar: string) {
    this.#key = `slotcast.draft ${server} ${calendar}`;
  }

  read(): Draft | undefined {
    try {
      const kept: unknown = JSON.parse(sessionStorage.getItem(this.#key) ?? "null");
      return typeof kept === "object" && kept !== null ? (kept as Draft) : undefined;
    } catch {
      return undefined;
    }
  }

  write(draft: Draft): void {
    try {
      sessionStorage.setItem(this.#key, JSON.stringify(draft));
    } catch {
      // The browser may forbid storage; then the text lasts as long as the page.
    }
  }

  clear(): void {
    try {
      sessionStorage.removeItem(this.#key);
    } catch {
      // Then nothing was kept.
    }
  }
}
