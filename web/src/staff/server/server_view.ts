/** `/staff/server`: the figures of the server for its owner, read every second over the connection. */

import type { ServerAnswer, StaffClient } from "../../client";
import { h, setText } from "../../ui/dom";
import { Pill } from "../../ui/feedback/status_pill";
import { boundText, countText, secondsText, spanText } from "./figure_text";
import { Figures, quantile, rate, type Table } from "./figures";
import { ServerTable } from "./server_table";
import { Spark } from "./spark";
import { adviceFor, locale, texts } from "../texts";

const READ_MS = 1_000;
const MOST_ROWS = 20;

/** A number with its name, and its course over the last minutes. */
class Tile {
  readonly element: HTMLElement;
  readonly #value = h("strong", { class: "tile-value" }, "–");
  readonly #spark = new Spark();

  constructor(name: string) {
    this.element = h(
      "div",
      { class: "tile" },
      h("span", { class: "tile-name" }, name),
      this.#value,
      this.#spark.element,
    );
  }

  show(value: number, text = countText(value)): void {
    setText(this.#value, text);
    this.#spark.add(value);
  }
}

/** A table of names and numbers with a bar each. */
class Bars {
  readonly element: HTMLElement;
  readonly #list = h("dl", { class: "bars" });

  constructor(title: string) {
    this.element = h("section", { class: "figures" }, h("h2", {}, title), this.#list);
  }

  show(table: Table, empty: string): void {
    const most = Math.max(1, ...table.map(([, value]) => value));
    const rows = table.slice(0, MOST_ROWS).flatMap(([name, value]) => {
      const bar = h("span", { class: "bar" });
      bar.style.inlineSize = `${(100 * value) / most}%`;
      return [h("dt", {}, name), h("dd", {}, bar, h("span", {}, countText(value)))];
    });
    this.#list.replaceChildren(...(rows.length > 0 ? rows : [h("dt", {}, empty), h("dd", {})]));
  }
}

export class ServerView {
  readonly #client: StaffClient;
  readonly #pill = new Pill(locale.texts);
  readonly #facts = h("p", { class: "facts" });
  readonly #problem = h("p", { class: "problem", role: "alert", hidden: true });
  readonly #tiles = {
    connections: new Tile(texts.server.connections),
    watchers: new Tile(texts.server.subscribers),
    rooms: new Tile(texts.server.rooms),
    changes: new Tile(texts.server.changes),
    requests: new Tile(texts.server.requests),
    queued: new Tile(texts.server.queued),
    slow: new Tile(texts.server.slow),
    lag: new Tile(texts.server.lag),
  };
  readonly #transports = new Bars(texts.server.byTransport);
  readonly #latency = new Bars(texts.server.latency);
  readonly #errors = new Bars(texts.server.errors);
  readonly #closed = new Bars(texts.server.closed);
  /** Shown where several processes share the address. */
  readonly #workers = new Bars(texts.server.workers);
  readonly #servers = new ServerTable();
  #before: Figures | undefined;

  constructor(client: StaffClient, root: HTMLElement) {
    this.#client = client;
    const tiles = Object.values(this.#tiles).map(({ element }) => element);
    this.#workers.element.hidden = true;
    const tables = [this.#transports, this.#latency, this.#errors, this.#closed, this.#workers];
    root.append(
      h(
        "div",
        { class: "view server" },
        h(
          "header",
          { class: "head" },
          h("h1", { class: "staff-title" }, texts.server.title),
          h("div", { class: "actions" }, this.#pill.element),
        ),
        h(
          "div",
          { class: "tools" },
          this.#facts,
          h("a", { class: "page-link", href: "/staff" }, texts.server.calendars),
        ),
        this.#problem,
        h("div", { class: "tiles" }, ...tiles),
        this.#servers.element,
        h("div", { class: "figure-columns" }, ...tables.map(({ element }) => element)),
      ),
    );
    client.onStatus((status) => this.#pill.show(status, document.documentElement));
    void this.#follow();
  }

  async #follow(): Promise<void> {
    for (;;) {
      // A hidden page asks for nothing.
      if (!document.hidden) await this.#read();
      await new Promise((resolve) => setTimeout(resolve, READ_MS));
    }
  }

  async #read(): Promise<void> {
    try {
      const answer = await this.#client.readServer();
      this.#problem.hidden = true;
      this.#draw(answer);
    } catch (error) {
      setText(this.#problem, adviceFor(error));
      this.#problem.hidden = false;
    }
  }

  #draw(answer: ServerAnswer): void {
    const now = new Figures(answer);
    const before = this.#before;
    this.#before = now;
    const { connections, watchers, rooms, changes, requests, queued, slow, lag } = this.#tiles;
    connections.show(now.sum("slotcast_connections"));
    watchers.show(now.sum("slotcast_watchers"));
    rooms.show(now.sum("slotcast_rooms"));
    changes.show(rate("slotcast_changes_total", before, now));
    requests.show(rate("slotcast_requests_total", before, now));
    queued.show(now.sum("slotcast_commands_queued"));
    slow.show(now.sum("slotcast_connections_closed_total", ({ reason }) => reason === "slow"));
    const block = now.most("slotcast_loop_block_seconds_max");
    lag.show(block, secondsText(block));
    const named = now.by("slotcast_connections", "transport");
    const known: Readonly<Record<string, unknown>> = texts.server;
    const transports = named.map(([name, value]) => [String(known[name] ?? name), value] as const);
    this.#transports.show(transports, texts.server.noConnections);
    const buckets = now.buckets("slotcast_request_seconds");
    const last = buckets.findLastIndex(([, count]) => count > 0);
    const spans = buckets
      .slice(0, last + 1)
      .map(([bound, count]) => [boundText(bound), count] as const);
    this.#latency.show(spans, texts.server.noRequests);
    const isError = (code: string) => code !== "ok" && !/^[123]\d\d$/.test(code);
    this.#errors.show(now.by("slotcast_requests_total", "code", isError), texts.server.noErrors);
    this.#closed.show(now.by("slotcast_connections_closed_total", "reason"), texts.server.noClosed);
    this.#workers.element.hidden = answer.workers <= 1;
    const workers = now.by("slotcast_connections", "worker");
    this.#workers.show(
      workers.map(([number, value]) => [texts.server.worker(number), value] as const),
      texts.server.noConnections,
    );
    this.#servers.draw(answer);
    this.#describe(answer, quantile(buckets, 0.99), now.sum("slotcast_leader") > 0);
  }

  #describe(
    { versions, nodes, started_at, server_time }: ServerAnswer,
    slow: string,
    leads: boolean,
  ) {
    const up = (Date.parse(server_time) - Date.parse(started_at)) / 1_000;
    const parts = [
      texts.server.up(spanText(up)),
      texts.server.servers(nodes),
      leads ? texts.server.leads : texts.server.follows,
      ...(slow === "" ? [] : [texts.server.quantile(boundText(slow))]),
      ...Object.entries(versions).map(([name, version]) => `${name} ${version}`),
    ];
    setText(this.#facts, parts.join(" · "));
  }
}
