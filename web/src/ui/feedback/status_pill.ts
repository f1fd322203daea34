/** Shows the state of the connection, also to screen readers. */

import { REASONS, type Status } from "../../client";
import { h, setText } from "../dom";

const BY = {
  websocket: "WebSocket",
  polling: "polling",
  sse: "event stream",
  longpoll: "long poll",
} as const;

export interface Words {
  readonly short: string;
  readonly detail: string;
}

export function wordsFor({ state, transport }: Status): Words {
  if (state === "live") return { short: "Live", detail: transport ? `over ${BY[transport]}` : "" };
  if (state === "connecting") return { short: "Connecting", detail: "" };
  if (state === "reconnecting") return { short: "Reconnecting", detail: "" };
  if (state === "offline") return { short: "Offline", detail: "" };
  return { short: "Not connected", detail: "" };
}

export class Pill {
  readonly element: HTMLElement;
  readonly #short = h("span", { class: "pill-state" });
  readonly #detail = h("span", { class: "pill-detail" });

  constructor() {
    this.element = h(
      "p",
      { class: "pill", role: "status", "aria-live": "polite" },
      h("span", { class: "pill-dot", "aria-hidden": "true" }),
      this.#short,
      this.#detail,
    );
  }

  /** `root` has the state as an attribute, for styles and tests. */
  show(status: Status, root: HTMLElement): void {
    const { short, detail } = wordsFor(status);
    root.dataset.connection = status.state;
    root.dataset.reason = status.reason;
    if (status.transport === undefined) delete root.dataset.transport;
    else root.dataset.transport = status.transport;
    this.element.dataset.state = status.state;
    this.element.title = REASONS[status.reason];
    setText(this.#short, short);
    setText(this.#detail, detail);
  }
}
