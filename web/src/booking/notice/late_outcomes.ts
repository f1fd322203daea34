/** Repeats the requests without an answer, and tells the visitor their outcomes. */

import type { ZoneSetting } from "../board/zone_setting";
import type { LazyForm } from "../form/lazy_form";
import type { BookingActions } from "../own/booking_actions";
import type { Toasts } from "../../ui/feedback/toast";
import { settledNotice } from "./notice";

/** The pause between two tries of requests without an answer, on a live connection. */
const SETTLE_MS = 15_000;

export interface OutcomeParts {
  readonly actions: BookingActions;
  readonly form: LazyForm;
  readonly toasts: Toasts;
  readonly setting: ZoneSetting;
}

export class LateOutcomes {
  readonly #parts: OutcomeParts;
  #last = 0;

  constructor(parts: OutcomeParts) {
    this.#parts = parts;
  }

  get isDue(): boolean {
    return performance.now() - this.#last > SETTLE_MS;
  }

  async settle(): Promise<void> {
    const { actions, form, toasts, setting } = this.#parts;
    const { texts } = setting.locale;
    this.#last = performance.now();
    for (const settled of await actions.settle()) {
      const { pending, outcome } = settled;
      const booking = pending.what === "book" ? outcome?.booking : undefined;
      if (booking !== undefined) form.settled(pending.hold?.id ?? "", booking);
      const when = pending.start === "" ? texts.mine.booking : setting.words(pending);
      const notice = settledNotice(settled, when, texts);
      if (notice !== undefined) toasts.say(notice.text, notice.tone);
    }
  }
}
