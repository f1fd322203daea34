/** The notices of the board: a banner above it, and a text in place of it while it is empty. */

import type { Calendar, SlotcastClient } from "../../client";
import { h, setData, setText } from "../../ui/dom";
import type { Catalog } from "../../language/english";
import { emptyNotice, originNotice, PATIENCE_MS, staleNotice } from "./notice";
import type { OriginProbe } from "./origin_probe";

export class BoardNotice {
  readonly banner = h("p", { class: "banner", hidden: true });
  readonly blank = h("div", { class: "blank", hidden: true });
  /** The text in place of an empty board. */
  readonly empty = { element: this.blank };
  readonly #client: SlotcastClient;
  readonly #calendar: Calendar;
  readonly #home: string;
  readonly #catalog: Catalog;
  #probe: OriginProbe | undefined;
  #liveAt = performance.now();

  constructor(
    client: SlotcastClient,
    calendar: Calendar,
    home: string,
    catalog: Catalog,
    changed: () => void,
  ) {
    this.#catalog = catalog;
    this.#client = client;
    this.#calendar = calendar;
    this.#home = home;
    if (new URL(home).origin !== self.origin) void this.#loadProbe(changed);
    this.banner.dataset.tone = "warn";
  }

  /** Draws both notices. Returns whether the server refuses the page or its visitor. */
  draw(days: number, isFreeOnly: boolean): boolean {
    const { state } = this.#client.status;
    const refusal = this.#calendar.refusal ?? this.#client.refusal;
    this.#probe?.look(this.#calendar.isLoaded || refusal !== undefined || state === "connecting");
    this.#drawBanner();
    const isOfOrigin = this.#isRefused || refusal?.details.rule === "origin";
    const notice = isOfOrigin
      ? originNotice(this.#home, self.origin, this.#catalog)
      : emptyNotice(this.#calendar, refusal, days, isFreeOnly, this.#catalog);
    this.blank.hidden = notice === undefined;
    if (this.blank.dataset.title !== notice?.title) {
      setData(this.blank, "title", notice?.title);
      if (notice) this.blank.replaceChildren(h("h2", {}, notice.title), h("p", {}, notice.text));
    }
    return refusal !== undefined || isOfOrigin;
  }

  /** Whether the connection has been away for longer than a short break. */
  get isLongAway(): boolean {
    return performance.now() - this.#liveAt > PATIENCE_MS;
  }

  /** Whether the server is there, and does not list the origin of this page. */
  get #isRefused(): boolean {
    return this.#probe?.isRefused ?? false;
  }

  async #loadProbe(changed: () => void): Promise<void> {
    try {
      const { OriginProbe } = await import("./origin_probe");
      this.#probe = new OriginProbe(this.#home, changed);
      changed();
    } catch {
      // Then the page says that the server cannot be reached.
    }
  }

  #drawBanner(): void {
    const { status, hasToken } = this.#client;
    if (status.state === "live") this.#liveAt = performance.now();
    const away_ms = performance.now() - this.#liveAt;
    const { info, isLoaded } = this.#calendar;
    const text = this.#isRefused
      ? ""
      : staleNotice(status.state, isLoaded, away_ms, info, hasToken, this.#catalog);
    setText(this.banner, text);
    this.banner.hidden = text === "";
  }
}
