/** A day of the board: its heading, its count of free times, and the list of its slots. */

import type { Slot } from "../../client";
import { button } from "../../ui/button";
import { h } from "../../ui/dom";
import type { Catalog } from "../../language/english";

export interface DaySummary {
  readonly key: string;
  readonly free: number;
  readonly all: number;
}

export interface Day {
  readonly section: HTMLElement;
  readonly title: HTMLElement;
  readonly near: HTMLElement;
  readonly count: HTMLElement;
  /** In place of the slots of a day without a free one. */
  readonly soldOut: HTMLElement;
  readonly list: HTMLUListElement;
  /** The last draw; none if the next one may differ without a change of a slot. */
  steady?: {
    readonly slots: readonly Slot[];
    readonly summary: DaySummary;
    readonly at: number;
  };
}

/** The number of free times of a day, as a text. */
export const freeText = (free: number, { board }: Catalog): string =>
  free === 0 ? board.nothingFree : board.free(free);

/** Makes an empty day. Its heading is a link to it. */
export function makeDay(key: string, { board }: Catalog, href: string, go: () => void): Day {
  const id = `day-${key}`;
  const title = h("span", {});
  const near = h("span", { class: "day-near" });
  const count = h("span", { class: "day-count" });
  const list = h("ul", { class: "slots" });
  const link = h("a", { class: "day-link", href }, near, title);
  const show = button(board.showTaken, () => open(section), { kind: "small quiet" });
  const soldOut = h("p", { class: "day-sold-out" }, board.soldOut, show);
  const section = h(
    "section",
    { class: "day", "aria-labelledby": id },
    h("header", { class: "day-head" }, h("h2", { class: "day-title", id }, link), count),
    soldOut,
    list,
  );
  section.dataset.day = key;
  link.addEventListener("click", (event) => {
    event.preventDefault();
    go();
  });
  return { section, title, near, count, soldOut, list };
}

/** Shows the taken times of a sold-out day. */
function open(section: HTMLElement): void {
  section.setAttribute("data-open", "");
  section.querySelector<HTMLElement>('.slot[tabindex="0"]')?.focus();
}
