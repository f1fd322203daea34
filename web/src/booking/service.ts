/** The service that a slot offers, from its `data`: `{title, description, price, location}`. */

import type { Slot } from "../client";

export interface Service {
  readonly title: string;
  readonly description: string;
  readonly price: string;
  readonly location: string;
}

const NONE: Service = { title: "", description: "", price: "", location: "" };

/** Texts and numbers count; anything else in `data` is for other programs. */
export function serviceOf(slot: Pick<Slot, "data"> | undefined): Service {
  const { data } = slot ?? {};
  if (typeof data !== "object" || data === null) return NONE;
  const text = (name: keyof Service) => {
    const value = (data as Readonly<Record<string, unknown>>)[name];
    return typeof value === "string" || typeof value === "number" ? String(value) : "";
  };
  return {
    title: text("title"),
    description: text("description"),
    price: text("price"),
    location: text("location"),
  };
}
