/** Shows the state of the connection, also to screen readers. */

import type { Status } from "../../client";
import { type Catalog, ENGLISH } from "../../language/english.ts";
import { h, setData, setText } from "../dom";

export interface Words {
  readonly short: string;
  readonly detail: string;
}

export function wordsFor({ state, transport }: Status, { pill }: Catalog = ENGLISH): Words {
  const by = transport && (transport === "websocket" ? "WebSocket" : pill[transport]);
  return { short: pill[state], detail: state === "live" && by ? pill.over(by) : "" };
}

export class Pill {
  readonly element: HTMLElement;
  readonly #short = h("span", { class: "pill-state" });
  readonly #detail = h("span", { class: "pill-detail" });

  readonly #catalog: Catalog;

  constructor(catalog: Catalog = ENGLISH) {
    this.#catalog = catalog;
    this.element = h(
      "p",
      { class: "pill", role: "status", "aria-live": "polite" },
      h("span", { class: "pill-dot", "aria-hidden": "true" }),
      this.#short,
      this.#detail,
    );
  }

  /** `root` has the state as an attribute, for styles and tests. Staff read the reason too. */
  show(status: Status, root: HTMLElement, reason = ""): void {
    const { short, detail } = wordsFor(status, this.#catalog);
    setData(root, "connection", status.state);
    setData(root, "reason", status.reason);
    setData(root, "transport", status.transport);
    setData(this.element, "state", status.state);
    if (this.element.title !== reason) this.element.title = reason;
    setText(this.#short, short);
    setText(this.#detail, detail);
  }
}
