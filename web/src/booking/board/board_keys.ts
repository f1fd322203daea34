/** The keys of the board: arrows go from slot to slot, Home and End within the day, Page Up and Page
 * Down from day to day. With Ctrl, Home and End go to the ends of the board. A day is one tab stop. */

const STOP = '.slot[tabindex="0"]';

export function listenToKeys(board: HTMLElement): void {
  board.addEventListener("keydown", (event) => {
    const target = slotOf(event);
    const wanted = target && wantedBy(event, board, target);
    if (wanted === undefined) return;
    event.preventDefault();
    wanted?.focus();
  });
  board.addEventListener("focusin", (event) => {
    const target = slotOf(event);
    if (target === undefined) return;
    for (const other of target.closest(".slots")?.querySelectorAll(STOP) ?? []) {
      other.setAttribute("tabindex", "-1");
    }
    target.setAttribute("tabindex", "0");
  });
}

/** Gives a day a tab stop if it has none: its first free slot, or its first one. */
export function keepOneTabStop(list: HTMLElement): void {
  if (list.querySelector(`${STOP}:not(:disabled)`) !== null) return;
  const first = list.querySelector<HTMLElement>(".slot[data-free]") ?? list.querySelector(".slot");
  first?.setAttribute("tabindex", "0");
}

/** Moves the focus to the next slot, or to the one before. */
export function stepFrom(board: HTMLElement, from: HTMLButtonElement, by: 1 | -1): void {
  neighbour(slotsIn(board), from, by)?.focus();
}

function slotOf({ target }: Event): HTMLButtonElement | undefined {
  return target instanceof HTMLButtonElement && target.matches(".slot") ? target : undefined;
}

/** Returns the slot that a key leads to, null at an end, and undefined for another key. */
function wantedBy(
  { key, ctrlKey, metaKey, altKey }: KeyboardEvent,
  board: HTMLElement,
  from: HTMLButtonElement,
): HTMLButtonElement | null | undefined {
  if (metaKey || altKey) return undefined;
  const onward = getComputedStyle(from).direction === "rtl" ? "ArrowLeft" : "ArrowRight";
  const all = slotsIn(board);
  const day = ctrlKey ? all : slotsIn(from.closest(".slots") ?? board);
  if (key === "ArrowRight" || key === "ArrowLeft")
    return neighbour(all, from, key === onward ? 1 : -1);
  if (key === "ArrowDown") return inNextRow(all, from, 1);
  if (key === "ArrowUp") return inNextRow(all, from, -1);
  if (key === "Home") return day[0] ?? null;
  if (key === "End") return day.at(-1) ?? null;
  if (key === "PageDown") return inNextDay(board, from, 1);
  if (key === "PageUp") return inNextDay(board, from, -1);
  return undefined;
}

const slotsIn = (element: Element): HTMLButtonElement[] =>
  [...element.querySelectorAll<HTMLButtonElement>(".slot:not(:disabled)")].filter(
    (button) => button.offsetParent !== null,
  );

const neighbour = (all: readonly HTMLButtonElement[], from: HTMLButtonElement, by: 1 | -1) =>
  all[all.indexOf(from) + by] ?? null;

/** Returns the tab stop of the next day that shows slots, or of the one before. */
function inNextDay(board: HTMLElement, from: HTMLElement, by: 1 | -1): HTMLButtonElement | null {
  const days = [...board.querySelectorAll<HTMLElement>(".slots")].filter(
    (list) => list.offsetParent !== null,
  );
  const list = days[days.indexOf(from.closest(".slots") as HTMLElement) + by];
  return list?.querySelector<HTMLButtonElement>(STOP) ?? null;
}

/** Returns the nearest slot in the next row, also of another day. */
function inNextRow(
  all: readonly HTMLButtonElement[],
  from: HTMLButtonElement,
  by: 1 | -1,
): HTMLButtonElement | null {
  const here = from.getBoundingClientRect();
  const rows = all
    .map((button) => ({ button, box: button.getBoundingClientRect() }))
    .filter(({ box }) => (box.top - here.top) * by > 4);
  const top = by * Math.min(...rows.map(({ box }) => box.top * by));
  const row = rows.filter(({ box }) => Math.abs(box.top - top) < 4);
  row.sort((a, b) => Math.abs(a.box.left - here.left) - Math.abs(b.box.left - here.left));
  return row[0]?.button ?? null;
}
