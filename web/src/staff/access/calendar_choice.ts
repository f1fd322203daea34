/** The choice of calendars for an account or a token: all of them, or some by name. */

import { h } from "../../ui/dom";
import { checkbox, field } from "../../ui/field";
import type { CalendarInfo } from "../../client";
import { isOwner, type Roles, type Session } from "./access_client";
import { texts } from "../texts";

export type Named = Pick<CalendarInfo, "id" | "name">;

/** The calendars in which the owner gives roles. */
export interface Grants {
  readonly calendars: readonly Named[];
  readonly hasAll: boolean;
}

/** Longer lists have a filter. */
const MOST_UNFILTERED = 8;

export function grantsOf({ roles }: Session, calendars: readonly Named[]): Grants {
  const hasAll = isOwner(roles, true);
  return { hasAll, calendars: calendars.filter(({ id }) => hasAll || roles[id] === "owner") };
}

/** The offered calendars, and then those that the roles name besides. */
export function offered(calendars: readonly Named[], roles: Roles): readonly Named[] {
  const known = new Set(["*", ...calendars.map(({ id }) => id)]);
  const others = Object.keys(roles).filter((id) => !known.has(id));
  return [...calendars, ...others.map((id) => ({ id, name: id }))];
}

/** The text by which a list is filtered finds names and ids. */
export const isNamed = ({ id, name }: Named, wanted: string): boolean =>
  `${name} ${id}`.toLowerCase().includes(wanted.trim().toLowerCase());

export class CalendarChoice {
  readonly element: HTMLElement;
  readonly #all: HTMLInputElement;
  readonly #offersAll: boolean;
  readonly #boxes: ReadonlyMap<string, HTMLInputElement>;
  readonly #some: HTMLElement;

  constructor({ calendars, hasAll }: Grants, roles: Roles) {
    const isAll = roles["*"] !== undefined;
    this.#offersAll = hasAll || isAll;
    const named = offered(calendars, roles);
    const box = (value: string, checked: boolean) =>
      h("input", { type: "checkbox", name: "calendar", value, checked });
    this.#all = box("*", isAll);
    this.#boxes = new Map(named.map(({ id }) => [id, box(id, roles[id] !== undefined)]));
    const rows = named.map((one) => {
      const row = checkbox(this.#boxes.get(one.id) as HTMLInputElement, one.name);
      row.title = one.id;
      return [one, row] as const;
    });
    const filter = h("input", {
      type: "search",
      name: "filter",
      placeholder: texts.board.placeholder,
    });
    const filterField = field(texts.board.filter, filter);
    filterField.hidden = named.length <= MOST_UNFILTERED;
    filter.addEventListener("input", () => {
      for (const [one, row] of rows) row.hidden = !isNamed(one, filter.value);
      this.#look();
    });
    const list = h("div", { class: "calendar-list" }, ...rows.map(([, row]) => row));
    this.#some = h("div", { class: "form" }, filterField, list);
    this.element = h(
      "fieldset",
      { class: "calendar-choice", onchange: () => this.#look() },
      h("legend", { class: "field-label" }, texts.access.inCalendars),
      this.#offersAll && checkbox(this.#all, texts.head.allCalendars),
      this.#some,
    );
    this.#look();
  }

  /** The chosen ids, or `*`. */
  get ids(): readonly string[] {
    if (this.#all.checked) return ["*"];
    return [...this.#boxes].filter(([, { checked }]) => checked).map(([id]) => id);
  }

  /** Hides the names where all are chosen. The browser refuses a form without a choice. */
  #look(): void {
    this.#some.hidden = this.#all.checked || this.#boxes.size === 0;
    const boxes = [...this.#boxes.values()];
    // The browser shows its message only at a control in sight.
    const first = this.#offersAll ? this.#all : boxes.find((one) => !one.closest("label")?.hidden);
    const problem = this.ids.length === 0 ? texts.access.chooseCalendar : "";
    for (const one of [this.#all, ...boxes]) one.setCustomValidity(one === first ? problem : "");
  }
}
