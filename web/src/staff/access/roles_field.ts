/** The fields for a role and its calendars, as an account and a token have them. */

import { h } from "../../ui/dom";
import { field } from "../../ui/field";
import type { RoleName, Roles } from "./access_client";
import { CalendarChoice, type Grants, type Named } from "./calendar_choice";
import { texts } from "../texts";

export class RolesField {
  readonly elements: readonly HTMLElement[];
  readonly #role: HTMLSelectElement;
  readonly #calendars: CalendarChoice;

  constructor(grants: Grants, roles: Roles = grants.hasAll ? { "*": "staff" } : {}) {
    const shown = sharedRole(roles);
    const options = Object.entries(texts.access.roleText).map(([value, text]) =>
      h("option", { value, selected: value === shown }, text),
    );
    this.#role = h("select", { name: "role", required: true }, ...options);
    // One role for all of them is a choice of the owner's: none is chosen before.
    if (shown === undefined)
      this.#role.prepend(
        h("option", { value: "", selected: true }, rolesText(roles, grants.calendars)),
      );
    this.#calendars = new CalendarChoice(grants, roles);
    this.elements = [field(texts.access.role, this.#role), this.#calendars.element];
  }

  get role(): RoleName {
    return this.#role.value as RoleName;
  }

  get calendars(): readonly string[] {
    return this.#calendars.ids;
  }

  get roles(): Roles {
    return Object.fromEntries(this.calendars.map((calendar) => [calendar, this.role]));
  }
}

/** Returns the role that an account has in all its calendars; none if they differ. */
export function sharedRole(roles: Roles): RoleName | undefined {
  const [first = "staff", ...others] = new Set(Object.values(roles));
  return others.length === 0 ? first : undefined;
}

/** Returns roles as a text: "staff of all calendars", "viewer of Room 1, Room 2". */
export function rolesText(
  roles: Readonly<Record<string, string>>,
  calendars: readonly Named[],
): string {
  const names = new Map(calendars.map(({ id, name }) => [id, name]));
  const of = new Map<string, string[]>();
  for (const [calendar, role] of Object.entries(roles))
    of.set(role, [
      ...(of.get(role) ?? []),
      calendar === "*" ? texts.access.allCalendars : (names.get(calendar) ?? calendar),
    ]);
  const known: Readonly<Record<string, string>> = texts.access.roleName;
  const name = (role: string) => known[role] ?? role;
  return [...of]
    .map(([role, names]) => texts.access.roleOf(name(role), names.join(", ")))
    .join("; ");
}
