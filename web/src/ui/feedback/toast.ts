/** Short messages for a few seconds. Screen readers read them after their current text. */

import { h } from "../dom";

const STAY_MS = 6_000;
/** Long enough to read, think, and reach the button. */
const UNDO_MS = 15_000;
const MOST = 3;
const LOOK_MS = 1_000;

export class Toasts {
  readonly element = h("div", { class: "toasts", role: "status", "aria-live": "polite" });
  readonly #undo: string;

  /** `undo` is the text of the button. */
  constructor(undo = "") {
    this.#undo = undo;
  }

  /** Shows a text. With `undo` it has a button, and stays longer. */
  say(text: string, tone: "calm" | "good" | "bad" = "calm", undo?: () => void): void {
    const toast = h("p", { class: "toast" }, text);
    toast.dataset.tone = tone;
    if (undo !== undefined) {
      const take = () => {
        toast.remove();
        undo();
      };
      toast.append(h("button", { type: "button", class: "toast-undo", onclick: take }, this.#undo));
    }
    this.element.append(toast);
    while (this.element.children.length > MOST) this.element.firstElementChild?.remove();
    setTimeout(() => leave(toast), undo === undefined ? STAY_MS : UNDO_MS);
  }
}

/** Removes a message, but not from under the pointer or the focus. */
function leave(toast: HTMLElement): void {
  if (toast.matches(":hover, :focus-within")) setTimeout(() => leave(toast), LOOK_MS);
  else toast.remove();
}
