/** Leads to a day, to a slot, or to the next free time: on the board, or in a window that begins
 * there. */

import type { Calendar, Slot, SlotcastClient } from "../client";
import { dayKey, instantOf } from "../ui/time";
import type { Toasts } from "../ui/feedback/toast";
import type { Board } from "./board/board";
import type { ZoneSetting } from "./board/zone_setting";
import { isTakeable } from "./policy";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const WINDOW_MS = 62 * DAY_MS;
const YEAR_MS = 366 * DAY_MS;
/** The rules of the clock may refuse the first ones. */
const LOOKED_AT = 100;

/** Whether a text is a day of a calendar; 2027-02-31 is none. */
const isDay = (text: string): boolean =>
  /^[12]\d{3}-\d\d-\d\d$/.test(text) && new Date(`${text}T00:00Z`).toJSON()?.startsWith(text);

interface Goal {
  readonly day: string;
  readonly slot?: string | undefined;
  readonly hasFocus: boolean;
}

/** The day and the slot in the address of a page. */
export interface PageAddress {
  readonly day: string;
  readonly slot: string | undefined;
  linkTo(day: string): string;
  write(day: string, slot?: string): void;
}

export interface GoalParts {
  readonly client: SlotcastClient;
  readonly calendar: Calendar;
  readonly board: Board;
  readonly setting: ZoneSetting;
  readonly toasts: Toasts;
  readonly address: PageAddress | undefined;
}

export class DayGoal {
  readonly #client: SlotcastClient;
  readonly #calendar: Calendar;
  readonly #board: Board;
  readonly #setting: ZoneSetting;
  readonly #toasts: Toasts;
  readonly #address: PageAddress | undefined;
  #goal: Goal | undefined;

  constructor({ client, calendar, board, setting, toasts, address }: GoalParts) {
    this.#client = client;
    this.#calendar = calendar;
    this.#board = board;
    this.#setting = setting;
    this.#toasts = toasts;
    this.#address = address;
  }

  /** Goes to the day and the slot of the page's address, or to the day that the page asks for. */
  start(asked = ""): void {
    const { day = asked, slot } = this.#address ?? {};
    if (day && isDay(day)) this.#seek({ day, slot, hasFocus: false });
  }

  /** Goes to a day, and to a slot of it, as soon as the board has them. */
  go(day: string, slot?: string): void {
    if (!isDay(day)) return;
    this.#address?.write(day);
    this.#seek({ day, slot, hasFocus: true });
  }

  #seek(goal: Goal): void {
    const { now, zone } = this.#setting.current;
    const today = dayKey(now, zone);
    const [, day = today] = [goal.day, today].sort();
    this.#goal = { ...goal, day };
    if (!this.#calendar.isLoaded || !this.#isCovered(day)) this.#open(day);
    else this.drawn();
  }

  /** Reaches the goal on a board that has just been drawn. */
  drawn(): void {
    const goal = this.#goal;
    if (goal === undefined || !this.#calendar.isLoaded || !this.#isCovered(goal.day)) return;
    const cell = goal.slot === undefined ? undefined : this.#board.cell(goal.slot)?.button;
    const section = this.#board.section(goal.day) ?? this.#board.sectionAfter(goal.day);
    const stop = cell ?? section?.querySelector<HTMLElement>('.slot[tabindex="0"]');
    this.#goal = undefined;
    if (cell !== undefined) cell.scrollIntoView({ block: "center" });
    else section?.scrollIntoView({ block: "start" });
    if (goal.hasFocus) stop?.focus({ preventScroll: true });
  }

  async goToNextFree(): Promise<void> {
    const slot = await this.nextFree();
    if (slot === undefined) this.#toasts.say(this.#setting.locale.texts.board.noneFree);
    else this.go(this.#setting.dayOf(slot), slot.id);
  }

  /** Returns the next free slot after now: on the board, or up to a year ahead. */
  async nextFree(): Promise<Slot | undefined> {
    const { now } = this.#setting.current;
    const { slots, info, covered, id } = this.#calendar;
    const isFree = (slot: Slot) => isTakeable(slot, info?.policy, info?.archived ?? false, now);
    const begins = Date.parse(covered.from);
    const onBoard = begins <= now ? slots.find(isFree) : undefined;
    if (onBoard !== undefined) return onBoard;
    const from = begins <= now ? covered.to : new Date(now).toISOString();
    const to = new Date(now + YEAR_MS).toISOString();
    if (Date.parse(from) >= Date.parse(to)) return undefined;
    const search = { calendars: [id], from, to, bookable: true, limit: LOOKED_AT };
    return (await this.#client.findSlots(search)).slots.find(isFree);
  }

  #startOf(day: string): number {
    return instantOf(`${day}T00:00`, this.#setting.current.zone);
  }

  /** Whether the window has the whole day, or what is left of today. */
  #isCovered(day: string): boolean {
    const { from, to } = this.#calendar.covered;
    const start = this.#startOf(day);
    const first = Math.max(start, Math.min(this.#setting.current.now, start + DAY_MS - 1));
    return Date.parse(from) <= first && start + DAY_MS <= Date.parse(to);
  }

  #open(day: string): void {
    // The calendar's zone is unknown before its first snapshot. Clocks are 26 hours apart at most.
    const early_ms = this.#calendar.isLoaded ? 0 : DAY_MS + 2 * HOUR_MS;
    const start = Math.max(this.#startOf(day) - early_ms, this.#setting.current.now);
    // The default window begins now, and is shared with other visitors.
    const isNear = start + DAY_MS < this.#setting.current.now + WINDOW_MS;
    if (isNear && !this.#calendar.isLoaded) return;
    const iso = (instant: number) => new Date(instant).toISOString();
    if (isNear) this.#calendar.window(undefined, undefined);
    else this.#calendar.window(iso(start), iso(start + WINDOW_MS));
  }
}
