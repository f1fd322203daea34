/** The servers on the database, one a row, with their figures. It shows where there is more than one. */

import type { ServerAnswer, ServerRow } from "../../client";
import { h } from "../../ui/dom";
import { texts } from "../texts";
import { countText, spanText } from "./figure_text";

/** A server tells its figures every two seconds. */
const LATE_MS = 5_000;
/** Two readings of one telling may differ by a millisecond. */
const LEAST_MS = 500;

interface Rates {
  readonly changes: number;
  readonly requests: number;
}

const NO_RATES: Rates = { changes: 0, requests: 0 };

export class ServerTable {
  readonly element: HTMLElement;
  readonly #body = h("tbody");
  /** The last figures of each server, and its rates by those before. */
  #before = new Map<string, { readonly row: ServerRow; readonly rates: Rates }>();

  constructor() {
    const names = texts.server.table;
    const heads = [
      names.name,
      names.up,
      names.workers,
      texts.server.connections,
      texts.server.subscribers,
      texts.server.rooms,
      texts.server.changes,
      texts.server.requests,
      texts.server.queued,
      texts.server.slow,
    ];
    const head = h("tr", {}, ...heads.map((text) => h("th", { scope: "col" }, text)));
    this.element = h(
      "section",
      { class: "figures servers", hidden: true },
      h("h2", { id: "servers" }, names.title),
      h(
        "div",
        { class: "servers-scroll", tabindex: 0, role: "region", "aria-labelledby": "servers" },
        h("table", {}, h("thead", {}, head), this.#body),
      ),
    );
  }

  draw({ servers, server_time }: ServerAnswer): void {
    this.element.hidden = servers.length < 2;
    const before = this.#before;
    this.#before = new Map();
    for (const row of servers) {
      const key = `${row.name} ${row.started_at}`;
      const last = before.get(key);
      const isNews = last === undefined || agesApart(last.row, row) >= LEAST_MS;
      const rates = isNews ? ratesOf(last?.row, row) : last.rates;
      this.#before.set(key, { row: isNews ? row : last.row, rates });
    }
    const now = Date.parse(server_time);
    const rates = [...this.#before.values()].map((one) => one.rates);
    this.#body.replaceChildren(
      ...servers.map((row, place) => this.#row(row, rates[place] ?? NO_RATES, now)),
    );
  }

  #row(row: ServerRow, { changes, requests }: Rates, now: number): HTMLElement {
    const names = texts.server.table;
    const late = now - Date.parse(row.told_at);
    const isLate = late > LATE_MS;
    const marks = [
      row.is_this && names.isThis,
      row.is_leader && names.leads,
      isLate && names.late(spanText(late / 1_000)),
    ].filter((mark) => mark !== false);
    const figures = [
      spanText((now - Date.parse(row.started_at)) / 1_000),
      ...[row.workers, row.connections, row.subscribers, row.rooms, changes, requests].map(
        countText,
      ),
      ...[row.queued, row.slow].map(countText),
    ];
    const name = h("th", { scope: "row" }, row.name, h("small", {}, marks.join(" · ")));
    const element = h("tr", {}, name, ...figures.map((text) => h("td", {}, text)));
    element.dataset.server = row.name;
    element.toggleAttribute("data-late", isLate);
    return element;
  }
}

/** Returns how many changes and requests a server had a second, between two tellings. */
export function ratesOf(before: ServerRow | undefined, now: ServerRow): Rates {
  if (before === undefined) return NO_RATES;
  const seconds = agesApart(before, now) / 1_000;
  const rate = (moved: number): number => (seconds > 0 && moved > 0 ? moved / seconds : 0);
  return {
    changes: rate(now.changes - before.changes),
    requests: rate(now.requests - before.requests),
  };
}

const agesApart = (before: ServerRow, now: ServerRow): number =>
  Date.parse(now.told_at) - Date.parse(before.told_at);
