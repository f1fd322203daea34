/** Reads the figures of a server, and how they move from one reading to the next. */

import type { Figure, ServerAnswer } from "../../client";

/** The values of a figure by the text of its labels, the largest first. */
export type Table = readonly (readonly [label: string, value: number])[];

export class Figures {
  readonly at: number;
  readonly #figures: readonly Figure[];

  constructor({ server_time, figures }: ServerAnswer) {
    this.at = Date.parse(server_time);
    this.#figures = figures;
  }

  /** The sum over all labels; 0 for an unknown figure. */
  sum(name: string, keep: (labels: Figure["labels"]) => boolean = () => true): number {
    return this.#named(name)
      .filter(({ labels }) => keep(labels))
      .reduce((total, { value }) => total + value, 0);
  }

  /** The largest value over all labels; 0 for an unknown figure. */
  most(name: string): number {
    return Math.max(0, ...this.#named(name).map(({ value }) => value));
  }

  /** The values by one label, without zeros. */
  by(name: string, label: string, keep: (text: string) => boolean = () => true): Table {
    const table = new Map<string, number>();
    for (const { labels, value } of this.#named(name)) {
      const text = labels[label] ?? "";
      if (value !== 0 && keep(text)) table.set(text, (table.get(text) ?? 0) + value);
    }
    return [...table].sort((one, other) => other[1] - one[1]);
  }

  /** The counts of a histogram's buckets over all labels, each by its upper bound in seconds. */
  buckets(name: string): Table {
    const totals = new Map<string, number>();
    for (const { labels, value } of this.#named(`${name}_bucket`)) {
      const bound = labels.le ?? "";
      totals.set(bound, (totals.get(bound) ?? 0) + value);
    }
    let below = 0;
    return [...totals].map(([bound, value]) => {
      const count = value - below;
      below = value;
      return [bound, count] as const;
    });
  }

  #named(name: string): readonly Figure[] {
    return this.#figures.filter((figure) => figure.name === name);
  }
}

/** Returns how fast a counter moves, a second. A process that has started anew counts from zero. */
export function rate(name: string, before: Figures | undefined, now: Figures): number {
  if (before === undefined || now.at <= before.at) return 0;
  const moved = now.sum(name) - before.sum(name);
  return moved < 0 ? 0 : (moved * 1_000) / (now.at - before.at);
}

/** Returns the bucket's bound below which the share of all requests is answered. */
export function quantile(buckets: Table, share: number): string {
  const total = buckets.reduce((sum, [, count]) => sum + count, 0);
  let below = 0;
  for (const [bound, count] of buckets) {
    below += count;
    if (total > 0 && below >= total * share) return bound;
  }
  return "";
}
