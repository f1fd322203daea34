/** Short messages for a few seconds. Screen readers read them after their current text. */

import { h } from "../dom";

const STAY_MS = 6_000;
const MOST = 3;

export class Toasts {
  readonly element = h("div", { class: "toasts", role: "status", "aria-live": "polite" });

  say(text: string, tone: "calm" | "good" | "bad" = "calm"): void {
    const toast = h("p", { class: "toast" }, text);
    toast.dataset.tone = tone;
    this.element.append(toast);
    while (this.element.children.length > MOST) this.element.firstElementChild?.remove();
    setTimeout(() => toast.remove(), STAY_MS);
  }
}
