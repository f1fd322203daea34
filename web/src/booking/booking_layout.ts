/** The places of the parts of the booking page. */

import type { Catalog } from "../language/english";
import { h } from "../ui/dom";
import { checkbox } from "../ui/field";

interface Part {
  readonly element: HTMLElement;
}

export interface LayoutParts {
  readonly texts: Catalog["board"];
  readonly title: HTMLElement;
  readonly pill: Part;
  readonly zones: Part;
  /** The checkbox that hides taken times. */
  readonly only: HTMLInputElement;
  /** The ways to other days. */
  readonly ways: readonly HTMLElement[];
  readonly notice: { readonly banner: HTMLElement };
  readonly mover: Part;
  readonly main: readonly Part[];
  readonly panel: Part;
}

export function bookingLayout(parts: LayoutParts): HTMLElement {
  const { texts, title, pill, zones, only, ways, notice, mover, main, panel } = parts;
  return h(
    "div",
    { class: "view" },
    h("header", { class: "head" }, title, pill.element),
    h(
      "div",
      { class: "tools" },
      zones.element,
      h("div", { class: "ways" }, checkbox(only, texts.onlyFree), ...ways),
    ),
    notice.banner,
    mover.element,
    h(
      "div",
      { class: "columns" },
      h("div", { class: "main" }, ...main.map(({ element }) => element)),
      panel.element,
    ),
  );
}
