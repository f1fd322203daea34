/** Dragging in the week grid: a booking to another slot, or a range of a day to open. A finger scrolls,
 * and drags after a long press. */

import { clockOf, DAY_MINUTES, snap } from "./grid_layout";
import { h } from "../../ui/dom";

export interface DragActions {
  onMove(booking: string, slot: string): void;
  onRange(day: string, from: number, to: number): void;
  /** The pixels of a minute. */
  scale(): number;
  mayDrag(): boolean;
  onEnd(): void;
}

/** A smaller movement is a click. */
const START_PX = 5;
/** A finger that moves further than this before the long press scrolls. */
const SLIP_PX = 10;
const PRESS_MS = 300;
const STEP_MINUTES = 15;
const EDGE_PX = 40;
const SCROLL_PX = 14;

interface Drag {
  readonly pointer: number;
  readonly isTouch: boolean;
  readonly x: number;
  readonly y: number;
  readonly booking?: string;
  readonly column?: HTMLElement;
  ghost?: HTMLElement;
  range?: { readonly from: number; readonly to: number };
}

export class GridDrag {
  readonly #scroll: HTMLElement;
  readonly #actions: DragActions;
  #drag: Drag | undefined;
  #target: HTMLElement | undefined;
  #wasDragged = false;
  #press: ReturnType<typeof setTimeout> | undefined;

  constructor(scroll: HTMLElement, actions: DragActions) {
    this.#scroll = scroll;
    this.#actions = actions;
    scroll.addEventListener("pointerdown", (event) => this.#onDown(event));
    scroll.addEventListener("pointermove", (event) => this.#onMove(event));
    // A change can take the chip under a finger out of the page; the window still gets the end.
    addEventListener("pointerup", (event) => this.#onUp(event));
    addEventListener("pointercancel", () => this.#end());
    this.#keepFromScrolling();
    addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || this.#drag?.ghost === undefined) return;
      event.preventDefault();
      this.#end();
    });
    // The end of a drag is no click on what lies under it.
    scroll.addEventListener("click", (event) => this.#wasDragged && event.stopPropagation(), true);
  }

  get isDragging(): boolean {
    return this.#drag?.ghost !== undefined;
  }

  /** Keeps the browser from scrolling, and from its own menu, once a finger drags. */
  #keepFromScrolling(): void {
    const keep = (event: Event) => {
      if (this.#drag?.isTouch && this.#drag.ghost !== undefined) event.preventDefault();
    };
    // The listener must stand before the touch begins, and `touch-action` is read only then.
    this.#scroll.addEventListener("touchmove", keep, { passive: false });
    this.#scroll.addEventListener("contextmenu", keep);
    // The tap of a short press comes after the timer that forgets the drag.
    this.#scroll.addEventListener("touchend", (event) => {
      if (this.#wasDragged) event.preventDefault();
    });
  }

  #onDown(event: PointerEvent): void {
    if (!event.isPrimary) return;
    this.#end();
    this.#wasDragged = false;
    if (event.button !== 0 || !this.#actions.mayDrag()) return;
    const target = event.target as HTMLElement;
    const booking = target.closest<HTMLElement>(".chip")?.dataset.booking;
    const isEmpty = target.classList.contains("week-day");
    const { clientX: x, clientY: y, pointerId: pointer } = event;
    const isTouch = event.pointerType === "touch";
    if (booking !== undefined) this.#drag = { pointer, isTouch, x, y, booking };
    else if (isEmpty) this.#drag = { pointer, isTouch, x, y, column: target };
    const drag = this.#drag;
    if (drag === undefined || !isTouch) return;
    this.#press = setTimeout(() => {
      this.#start(drag);
      this.#drawAt(drag, x, y);
    }, PRESS_MS);
  }

  #onMove(event: PointerEvent): void {
    const drag = this.#drag;
    if (drag === undefined || event.pointerId !== drag.pointer) return;
    const { clientX: x, clientY: y } = event;
    if (drag.ghost === undefined) {
      if (Math.hypot(x - drag.x, y - drag.y) < (drag.isTouch ? SLIP_PX : START_PX)) return;
      // A finger that moves at once scrolls.
      if (drag.isTouch) this.#end();
      else this.#start(drag);
      if (drag.ghost === undefined) return;
    }
    event.preventDefault();
    this.#scrollAt(x, y);
    this.#drawAt(drag, x, y);
  }

  #drawAt(drag: Drag, x: number, y: number): void {
    if (drag.column !== undefined) this.#drawRange(drag, drag.column, y);
    else this.#drawMove(drag, x, y);
  }

  #start(drag: Drag): void {
    this.#wasDragged = true;
    this.#scroll.setPointerCapture(drag.pointer);
    this.#scroll.dataset.dragging = drag.column === undefined ? "booking" : "range";
    if (drag.column !== undefined) {
      drag.ghost = h("div", { class: "range" });
      drag.column.append(drag.ghost);
    } else {
      const chip = this.#scroll.querySelector(`.chip[data-booking="${drag.booking}"]`);
      drag.ghost = h("div", { class: "chip ghost" }, chip?.textContent ?? "");
      this.#scroll.append(drag.ghost);
    }
  }

  #drawMove(drag: Drag, x: number, y: number): void {
    if (drag.ghost !== undefined) {
      drag.ghost.style.left = `${x + 8}px`;
      drag.ghost.style.top = `${y + 8}px`;
    }
    const under = document.elementsFromPoint(x, y);
    const block = under.find((one) => one.classList.contains("block")) as HTMLElement | undefined;
    if (block === this.#target) return;
    this.#target?.classList.remove("target");
    this.#target = block;
    block?.classList.add("target");
  }

  #drawRange(drag: Drag, column: HTMLElement, y: number): void {
    const scale = this.#actions.scale();
    const top = column.getBoundingClientRect().top;
    const minutes = [drag.y, y].map((one) => snap((one - top) / scale, STEP_MINUTES));
    const from = Math.min(...minutes);
    const to = Math.min(DAY_MINUTES, Math.max(...minutes, from + STEP_MINUTES));
    drag.range = { from, to };
    if (drag.ghost === undefined) return;
    drag.ghost.style.top = `${from * scale}px`;
    drag.ghost.style.height = `${(to - from) * scale}px`;
    drag.ghost.textContent = `${clockOf(from)} – ${clockOf(to)}`;
  }

  #onUp(event: PointerEvent): void {
    const drag = this.#drag;
    if (drag !== undefined && event.pointerId !== drag.pointer) return;
    const slot = this.#target?.dataset.slot;
    if (drag?.ghost !== undefined && this.#scroll.hasPointerCapture(event.pointerId))
      this.#scroll.releasePointerCapture(event.pointerId);
    this.#end();
    // The click of this drag comes before a timer; a later one, also by the keyboard, is meant.
    setTimeout(() => {
      this.#wasDragged = false;
    });
    if (drag?.ghost === undefined) return;
    if (drag.booking !== undefined && slot !== undefined) this.#actions.onMove(drag.booking, slot);
    const day = drag.column?.dataset.day;
    if (day !== undefined && drag.range !== undefined)
      this.#actions.onRange(day, drag.range.from, drag.range.to);
  }

  /** Scrolls near the edges. A phone has the days of a week beside each other in a wide grid. */
  #scrollAt(x: number, y: number): void {
    const { top, bottom } = this.#scroll.getBoundingClientRect();
    if (y < top + EDGE_PX) this.#scroll.scrollTop -= SCROLL_PX;
    else if (y > bottom - EDGE_PX) this.#scroll.scrollTop += SCROLL_PX;
    const frame = this.#scroll.parentElement;
    if (frame === null) return;
    const { left, right } = frame.getBoundingClientRect();
    if (x < left + EDGE_PX) frame.scrollLeft -= SCROLL_PX;
    else if (x > right - EDGE_PX) frame.scrollLeft += SCROLL_PX;
  }

  #end(): void {
    const wasDragging = this.isDragging;
    clearTimeout(this.#press);
    this.#drag?.ghost?.remove();
    this.#target?.classList.remove("target");
    this.#target = undefined;
    this.#drag = undefined;
    delete this.#scroll.dataset.dragging;
    if (wasDragging) this.#actions.onEnd();
  }
}
