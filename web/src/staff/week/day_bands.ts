/** The blocks of one day of the week grid, in a band for each hour. A band comes into the page, and
 * leaves it, as a whole: the browser lays out only the new one. */

import type { StaffBooking } from "../../client";
import { h } from "../../ui/dom";
import type { AgendaSlot } from "../agenda/removed_slots";
import type { Placed, Strip } from "./grid_layout";
import { type Block, type BlockSetting, drawBlock, LEAST_BLOCK_PX, newBlock } from "./week_block";

export interface BandSetting extends BlockSetting {
  readonly bookings: ReadonlyMap<string, readonly StaffBooking[]>;
  /** The minutes near the visible part. */
  readonly from: number;
  readonly to: number;
}

interface Band {
  readonly element: HTMLElement;
  readonly blocks: Map<string, Block>;
}

const NONE: readonly StaffBooking[] = [];

export class DayBands {
  readonly #column: HTMLElement;
  readonly #bands = new Map<number, Band>();

  constructor(column: HTMLElement) {
    this.#column = column;
  }

  block(slot: string): HTMLElement | undefined {
    for (const { blocks } of this.#bands.values()) {
      const block = blocks.get(slot);
      if (block !== undefined) return block.element;
    }
    return undefined;
  }

  /** Puts the bands near the visible part into the page, and takes the others out. Blocks that are in the
   * page are drawn again only with `isChanged`. */
  draw(strips: readonly Strip<AgendaSlot>[], setting: BandSetting, isChanged: boolean): void {
    const shown = new Set<number>();
    for (const strip of strips) {
      if (strip.bottom < setting.from || strip.top > setting.to) continue;
      shown.add(strip.hour);
      const band = this.#bands.get(strip.hour);
      if (band === undefined) this.#add(strip, setting);
      else if (isChanged) drawBand(band, strip, setting);
    }
    for (const [hour, band] of this.#bands) {
      if (shown.has(hour) || band.element.contains(document.activeElement)) continue;
      band.element.remove();
      this.#bands.delete(hour);
    }
  }

  #add(strip: Strip<AgendaSlot>, setting: BandSetting): void {
    const band = { element: h("div", { class: "band" }), blocks: new Map<string, Block>() };
    this.#bands.set(strip.hour, band);
    drawBand(band, strip, setting);
    this.#column.append(band.element);
  }
}

function drawBand({ element, blocks }: Band, strip: Strip<AgendaSlot>, setting: BandSetting): void {
  const { scale } = setting;
  const last = Math.max(...strip.placed.map(({ top }) => top)) * scale + LEAST_BLOCK_PX;
  element.style.top = `${strip.top * scale}px`;
  element.style.height = `${Math.max(strip.bottom * scale, last) - strip.top * scale}px`;
  const kept = new Set<string>();
  for (const one of strip.placed) {
    const { id } = one.slot;
    kept.add(id);
    const block = blocks.get(id) ?? newBlock(id);
    drawBlock(block, inBand(one, strip.top), setting.bookings.get(id) ?? NONE, setting);
    if (blocks.has(id)) continue;
    blocks.set(id, block);
    element.append(block.element);
  }
  for (const [id, block] of blocks) {
    if (kept.has(id) || block.element.contains(document.activeElement)) continue;
    block.element.remove();
    blocks.delete(id);
  }
}

/** Counts the minutes from the top of the band. */
const inBand = (one: Placed<AgendaSlot>, top: number): Placed<AgendaSlot> => ({
  ...one,
  top: one.top - top,
  bottom: one.bottom - top,
});
