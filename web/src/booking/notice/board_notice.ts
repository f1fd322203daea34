/** The notices of the board: a banner above it, and a text in place of it while it is empty. */

import type { Calendar, SlotcastClient } from "../../client";
import { h, setData, setText } from "../../ui/dom";
import { emptyNotice, originNotice, staleNotice } from "./notice";
import { OriginProbe } from "./origin_probe";

export class BoardNotice {
  readonly banner = h("p", { class: "banner", hidden: true });
  readonly blank = h("div", { class: "blank", hidden: true });
  readonly #client: SlotcastClient;
  readonly #calendar: Calendar;
  readonly #home: string;
  readonly #probe: OriginProbe;
  #liveAt = performance.now();

  constructor(client: SlotcastClient, calendar: Calendar, home: string, changed: () => void) {
    this.#client = client;
    this.#calendar = calendar;
    this.#home = home;
    this.#probe = new OriginProbe(home, changed);
    this.banner.dataset.tone = "warn";
  }

  /** Draws both notices. Returns whether the server refuses the page or its visitor. */
  draw(days: number, isFreeOnly: boolean): boolean {
    const { state } = this.#client.status;
    const refusal = this.#calendar.refusal ?? this.#client.refusal;
    this.#probe.look(this.#calendar.isLoaded || refusal !== undefined || state === "connecting");
    this.#drawBanner();
    const notice = this.#probe.isRefused
      ? originNotice(this.#home, self.origin)
      : emptyNotice(this.#calendar, refusal, days, isFreeOnly);
    this.blank.hidden = notice === undefined;
    if (this.blank.dataset.title !== notice?.title) {
      setData(this.blank, "title", notice?.title);
      if (notice) this.blank.replaceChildren(h("h2", {}, notice.title), h("p", {}, notice.text));
    }
    return refusal !== undefined || this.#probe.isRefused;
  }

  #drawBanner(): void {
    const { status, hasToken } = this.#client;
    if (status.state === "live") this.#liveAt = performance.now();
    const away_ms = performance.now() - this.#liveAt;
    const { info, isLoaded } = this.#calendar;
    const text = this.#probe.isRefused
      ? ""
      : staleNotice(status.state, isLoaded, away_ms, info, hasToken);
    setText(this.banner, text);
    this.banner.hidden = text === "";
  }
}
