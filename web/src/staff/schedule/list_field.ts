/** A field with any number of entries, with buttons to add and remove them. */

import { button } from "../../ui/button";
import { h } from "../../ui/dom";
import { texts } from "../texts";

export interface Entry<Value> {
  readonly controls: readonly HTMLElement[];
  read(): Value;
}

export interface ListFieldParts<Value> {
  readonly legend: string;
  /** The text of an empty list. */
  readonly none: string;
  readonly add: string;
  fresh(): Value;
  entry(value: Value): Entry<Value>;
  /** The accessible name of an entry. */
  name(value: Value): string;
  changed(): void;
}

export class ListField<Value> {
  readonly element: HTMLFieldSetElement;
  readonly #parts: ListFieldParts<Value>;
  readonly #list = h("ul", { class: "entries" });
  readonly #none: HTMLElement;
  readonly #add: HTMLButtonElement;
  readonly #entries = new Map<HTMLLIElement, Entry<Value>>();

  constructor(parts: ListFieldParts<Value>) {
    this.#parts = parts;
    this.#none = h("p", { class: "entries-none" }, parts.none);
    this.#add = button(parts.add, undefined, {
      kind: "small quiet",
      label: texts.hours.addTo(parts.add, parts.legend),
    });
    this.#add.addEventListener("click", () => {
      this.#append(parts.fresh()).controls[0]?.focus();
      parts.changed();
    });
    this.element = h(
      "fieldset",
      { class: "list-field" },
      h("legend", {}, parts.legend),
      h("div", { class: "list-body" }, this.#list, this.#none),
      this.#add,
    );
  }

  get value(): readonly Value[] {
    return [...this.#entries.values()].map((entry) => entry.read());
  }

  set value(values: readonly Value[]) {
    this.#entries.clear();
    this.#list.replaceChildren();
    for (const value of values) this.#append(value);
    this.#none.hidden = values.length > 0;
  }

  #append(value: Value): Entry<Value> {
    const entry = this.#parts.entry(value);
    const drop = button("✕", undefined, { kind: "small quiet drop" });
    const item = h("li", { class: "entry" }, ...entry.controls, drop);
    const label = () =>
      drop.setAttribute(
        "aria-label",
        texts.hours.removeItem(this.#parts.name(entry.read())).trim(),
      );
    item.addEventListener("input", label);
    label();
    drop.addEventListener("click", () => {
      item.remove();
      this.#entries.delete(item);
      this.#none.hidden = this.#entries.size > 0;
      this.#add.focus();
      this.#parts.changed();
    });
    this.#entries.set(item, entry);
    this.#list.append(item);
    this.#none.hidden = true;
    return entry;
  }
}
