/** The panel of the visitor's holds and bookings. Its items load beside the slots. */

import type { Policy } from "../../client";
import { h, setText } from "../../ui/dom";
import { isAsked, type OwnStore } from "./own_store";
import type { OwnList, PanelActions } from "./own_list";
import type { Catalog } from "../../language/english";
import { holdText } from "../policy";
import type { Setting } from "../board/slot_cell";

export class OwnPanel {
  readonly element: HTMLElement;
  readonly #empty = h("p", { class: "mine-empty" });
  readonly #make: () => Promise<OwnList>;
  readonly #catalog: Catalog;
  #list: OwnList | undefined;
  #loading: Promise<OwnList> | undefined;
  #draw = () => {};

  constructor(calendar: string, catalog: Catalog, actions: PanelActions) {
    this.#catalog = catalog;
    this.#make = async () => {
      const { OwnList } = await import("./own_list");
      return new OwnList(calendar, catalog, actions);
    };
    this.element = h(
      "aside",
      { class: "mine", part: "mine", "aria-labelledby": "mine-title" },
      h("h2", { class: "mine-title", id: "mine-title" }, catalog.mine.title),
      this.#empty,
    );
    // At once, beside the slots: a request of the visitor may lose its network a moment later.
    this.load().catch(() => {});
  }

  /** Loads the items. A load that failed is tried again at the next call. */
  load(): Promise<OwnList> {
    this.#loading ??= this.#load();
    return this.#loading;
  }

  /** Scrolls to one of the visitor's bookings. */
  show(id: string): void {
    this.load().then(
      (list) => list.show(id),
      () => {},
    );
  }

  draw(mine: OwnStore, policy: Policy | undefined, setting: Setting): void {
    const length = holdText(policy?.hold_seconds ?? 300, this.#catalog);
    setText(this.#empty, this.#catalog.mine.empty(length));
    this.#draw = () => this.draw(mine, policy, setting);
    const isEmpty = !(
      mine.holds.length ||
      mine.bookings.length ||
      mine.pendingRequests.some(isAsked)
    );
    this.#empty.hidden = !isEmpty;
    if (this.#list === undefined && !isEmpty) this.load().catch(() => {});
    else this.element.dataset.count = String(this.#list?.draw(mine, policy, setting) ?? 0);
  }

  tick(mine: OwnStore, now: number): void {
    this.#list?.tick(mine, now);
  }

  async #load(): Promise<OwnList> {
    try {
      this.#list = await this.#make();
    } catch (error) {
      this.#loading = undefined;
      throw error;
    }
    this.#empty.before(this.#list.element);
    this.#draw();
    return this.#list;
  }
}
