/** The handles at the edges of the opening hours in the week grid. A pointer drags them, and the arrow
 * keys move them. The end of a drag and Enter ask for the preview. */

import { h, setData } from "../../ui/dom";
import type { HoursEdge } from "../schedule/hours_edge";
import { dayName } from "../schedule/schedule";
import { clockOf, snap } from "./grid_layout";
import { texts } from "../texts";

/** Resolves when the edge has been moved, or stays. */
export type Resize = (edge: HoursEdge, minutes: number) => Promise<void>;

const STEP_MINUTES = 15;
const STEPS: Readonly<Record<string, number>> = {
  ArrowUp: -STEP_MINUTES,
  ArrowDown: STEP_MINUTES,
  PageUp: -60,
  PageDown: 60,
};

interface Handle {
  readonly element: HTMLElement;
  edge: HoursEdge;
  /** Where it stands now: elsewhere than `edge.at` while it is moved. */
  minutes: number;
}

interface Drag {
  readonly handle: Handle;
  readonly pointer: number;
  /** From the edge to the pointer, in pixels. */
  readonly offset: number;
}

export class HoursHandles {
  readonly #resize: Resize;
  readonly #ended: () => void;
  readonly #handles = new Map<string, Handle>();
  #scale = 1;
  #drag: Drag | undefined;

  constructor(resize: Resize, ended: () => void) {
    this.#resize = resize;
    this.#ended = ended;
    addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || this.#drag === undefined) return;
      event.preventDefault();
      this.#putBack(this.#drag.handle);
    });
  }

  get isDragging(): boolean {
    return this.#drag !== undefined;
  }

  draw(
    columns: readonly { readonly day: string; readonly element: HTMLElement }[],
    edges: readonly HoursEdge[],
    scale: number,
  ): void {
    this.#scale = scale;
    const shown = new Set<string>();
    for (const edge of edges) {
      const key = `${edge.date} ${edge.weekday} ${edge.place} ${edge.side}`;
      const column = columns.find(({ day }) => day === edge.date)?.element;
      if (column === undefined) continue;
      shown.add(key);
      const handle = this.#handles.get(key) ?? this.#make(edge);
      this.#handles.set(key, handle);
      const isChanged = handle.edge.at !== edge.at;
      handle.edge = edge;
      if (isChanged) this.#putBack(handle);
      else this.#place(handle);
      if (handle.element.parentElement !== column) column.append(handle.element);
    }
    for (const [key, handle] of this.#handles) {
      if (shown.has(key)) continue;
      if (this.#drag?.handle === handle) this.#endDrag();
      handle.element.remove();
      this.#handles.delete(key);
    }
    this.#keepTabStop();
  }

  #make(edge: HoursEdge): Handle {
    const { opens, closes } = texts.week;
    const name = (edge.side === "start" ? opens : closes)(dayName(edge.weekday));
    const element = h("div", {
      class: "hours-edge",
      role: "slider",
      tabindex: -1,
      "aria-label": name,
      "aria-orientation": "vertical",
    });
    element.title = texts.week.edge(name);
    setData(element, "side", edge.side);
    const handle: Handle = { element, edge, minutes: edge.at };
    element.addEventListener("pointerdown", (event) => this.#onDown(handle, event));
    element.addEventListener("pointermove", (event) => this.#onMove(event));
    element.addEventListener("pointerup", () => this.#onUp());
    element.addEventListener("pointercancel", () => this.#putBack(handle));
    element.addEventListener("keydown", (event) => this.#onKey(handle, event));
    return handle;
  }

  #onDown(handle: Handle, event: PointerEvent): void {
    if (event.button !== 0 || !event.isPrimary) return;
    event.preventDefault();
    handle.element.focus({ preventScroll: true });
    handle.element.setPointerCapture(event.pointerId);
    const offset = event.clientY - this.#topOf(handle) - handle.minutes * this.#scale;
    this.#drag = { handle, pointer: event.pointerId, offset };
  }

  #onMove(event: PointerEvent): void {
    const drag = this.#drag;
    if (drag === undefined || event.pointerId !== drag.pointer) return;
    const px = event.clientY - this.#topOf(drag.handle) - drag.offset;
    this.#moveTo(drag.handle, snap(px / this.#scale, STEP_MINUTES));
  }

  #onUp(): void {
    const handle = this.#drag?.handle;
    if (handle === undefined) return;
    this.#endDrag();
    void this.#ask(handle);
  }

  #onKey(handle: Handle, event: KeyboardEvent): void {
    if (event.altKey || event.ctrlKey || event.metaKey || this.#drag !== undefined) return;
    const step = STEPS[event.key];
    if (step !== undefined) this.#moveTo(handle, snap(handle.minutes + step, STEP_MINUTES));
    else if (event.key === "Enter") void this.#ask(handle);
    else if (event.key === "Escape") this.#putBack(handle);
    else if (event.key === "ArrowRight") this.#focusBeside(handle, 1);
    else if (event.key === "ArrowLeft") this.#focusBeside(handle, -1);
    else return;
    event.preventDefault();
  }

  #endDrag(): void {
    this.#drag = undefined;
    this.#ended();
  }

  async #ask(handle: Handle): Promise<void> {
    const { edge, minutes } = handle;
    if (minutes === edge.at) return;
    await this.#resize(edge, minutes);
    this.#putBack(handle);
    if (handle.element.isConnected) handle.element.focus({ preventScroll: true });
  }

  #moveTo(handle: Handle, minutes: number): void {
    handle.minutes = Math.min(handle.edge.most, Math.max(handle.edge.least, minutes));
    this.#place(handle);
  }

  #putBack(handle: Handle): void {
    if (this.#drag?.handle === handle) this.#endDrag();
    handle.minutes = handle.edge.at;
    this.#place(handle);
  }

  #place({ element, edge, minutes }: Handle): void {
    element.style.top = `${minutes * this.#scale}px`;
    setData(element, "moved", minutes === edge.at ? undefined : "");
    element.setAttribute("aria-valuemin", String(edge.least));
    element.setAttribute("aria-valuemax", String(edge.most));
    element.setAttribute("aria-valuenow", String(minutes));
    element.setAttribute("aria-valuetext", clockOf(minutes));
  }

  #topOf({ element }: Handle): number {
    return element.parentElement?.getBoundingClientRect().top ?? 0;
  }

  /** One handle takes the Tab key; the arrow keys go on from it. */
  #keepTabStop(): void {
    const all = [...this.#handles.values()].map(({ element }) => element);
    if (!all.some(({ tabIndex }) => tabIndex === 0)) all[0]?.setAttribute("tabindex", "0");
  }

  #focusBeside(handle: Handle, step: 1 | -1): void {
    const all = [...this.#handles.values()].sort(
      (a, b) => a.edge.date.localeCompare(b.edge.date) || a.edge.at - b.edge.at,
    );
    const next = all[all.indexOf(handle) + step];
    if (next === undefined) return;
    handle.element.tabIndex = -1;
    next.element.tabIndex = 0;
    next.element.focus();
  }
}
