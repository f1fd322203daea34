/** The places of the parts on the staff page. The stage holds the shown view alone; the others stand outside of the page. */

import { h } from "../ui/dom";
import type { AccountMenu } from "./access/account_menu";
import type { DaysPane } from "./days_pane";
import type { StaffHead, View } from "./staff_head";
import { texts } from "./texts";

interface Part {
  readonly element: HTMLElement;
}

export interface LayoutParts {
  readonly root: HTMLElement;
  readonly head: StaffHead;
  readonly pill: Part;
  readonly account: AccountMenu;
  readonly inbox: Part;
  readonly first: Part;
  readonly pane: DaysPane;
  readonly opening: Part;
  readonly find: Part;
  readonly board: Part;
  readonly toasts: Part;
  /** Shows the feeds and the busy times. */
  others(): void;
}

export class StaffLayout {
  readonly #parts: LayoutParts;
  readonly #columns: HTMLElement;
  readonly #stage = h("div", { class: "stage" });

  constructor(parts: LayoutParts) {
    const { root, head, pill, account, inbox, first, pane, opening, toasts } = parts;
    this.#parts = parts;
    this.#columns = h("div", { class: "columns" }, pane.element, opening.element);
    this.#stage.append(this.#columns);
    const onclick = () => parts.others();
    const other = { type: "button", class: "page-link plain", onclick };
    head.facts.append(h("button", other, texts.head.otherCalendars));
    const actions = h("div", { class: "actions" }, pill.element, account.element);
    root.append(
      h(
        "div",
        { class: "view" },
        h("header", { class: "head" }, head.choice, actions),
        account.notice,
        h("div", { class: "tools" }, head.facts, pane.choices),
        inbox.element,
        head.tabs,
        first.element,
        this.#stage,
      ),
      toasts.element,
    );
  }

  show(view: View): void {
    const { root, head, pane } = this.#parts;
    root.dataset.view = view;
    const other = view === "find" || view === "board" ? this.#parts[view].element : undefined;
    const shown = other ?? this.#columns;
    if (this.#stage.firstElementChild !== shown) this.#stage.replaceChildren(shown);
    pane.choices.hidden = other !== undefined;
    this.#columns.toggleAttribute("data-broad", view === "week");
    head.mark(view);
  }
}
