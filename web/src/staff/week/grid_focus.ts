/** The keyboard in the week grid: the arrow keys go from slot to slot and from day to day, and from a
 * slot to its bookings. */

import type { Placed, Timed } from "./grid_layout";

export interface FocusParts {
  columns(): readonly (readonly Placed<Timed>[])[];
  /** Brings a slot into the page, and returns its block. */
  reveal(slot: string): HTMLElement | undefined;
}

export class GridFocus {
  readonly #scroll: HTMLElement;
  readonly #parts: FocusParts;

  constructor(scroll: HTMLElement, parts: FocusParts) {
    this.#scroll = scroll;
    this.#parts = parts;
    scroll.addEventListener("keydown", (event) => this.#onKey(event));
  }

  #onKey(event: KeyboardEvent): void {
    const target = event.target as HTMLElement;
    const block = target.closest<HTMLElement>(".block");
    if (block === null || event.altKey || event.ctrlKey || event.metaKey) return;
    const next = this.#next(event.key, target, block);
    if (next === undefined) return;
    event.preventDefault();
    for (const one of this.#scroll.querySelectorAll('.block [tabindex="0"]'))
      one.setAttribute("tabindex", "-1");
    next.setAttribute("tabindex", "0");
    next.focus({ preventScroll: true });
  }

  #next(key: string, target: HTMLElement, block: HTMLElement): HTMLElement | undefined {
    const buttons = [...block.querySelectorAll("button")];
    const at = buttons.indexOf(target as HTMLButtonElement);
    if (key === "ArrowDown" && at + 1 < buttons.length) return buttons[at + 1];
    if (key === "ArrowUp" && at > 0) return buttons[at - 1];
    const columns = this.#parts.columns();
    const slot = block.dataset.slot;
    const day = columns.findIndex((column) => column.some((one) => one.slot.id === slot));
    const column = columns[day];
    if (column === undefined) return undefined;
    const place = column.findIndex((one) => one.slot.id === slot);
    if (key === "ArrowDown") return this.#show(column[place + 1]);
    if (key === "ArrowUp") return this.#show(column[place - 1]);
    const step = key === "ArrowRight" ? 1 : key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return undefined;
    const top = column[place]?.top ?? 0;
    for (let other = day + step; other >= 0 && other < columns.length; other += step) {
      const nearest = nearestTo(columns[other] ?? [], top);
      if (nearest !== undefined) return this.#show(nearest);
    }
    return undefined;
  }

  #show(placed: Placed<Timed> | undefined): HTMLElement | undefined {
    if (placed === undefined) return undefined;
    return this.#parts.reveal(placed.slot.id)?.querySelector("button") ?? undefined;
  }
}

function nearestTo(column: readonly Placed<Timed>[], top: number): Placed<Timed> | undefined {
  let best: Placed<Timed> | undefined;
  for (const one of column) {
    if (best === undefined || Math.abs(one.top - top) < Math.abs(best.top - top)) best = one;
  }
  return best;
}
