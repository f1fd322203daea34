/** Makes elements without markup in strings, so that no text is ever read as HTML. */

export type Child = Node | string | undefined | null | false;
type Value = string | number | boolean | undefined | ((event: Event) => void);

export function h<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  props: Readonly<Record<string, Value>> = {},
  ...children: readonly Child[]
): HTMLElementTagNameMap[Tag] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (typeof value === "function") element.addEventListener(name.slice(2), value);
    else if (typeof value === "boolean") element.toggleAttribute(name, value);
    else if (value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...children.filter((child) => child || child === "").map((child) => child || ""));
  return element;
}

/** The element with the focus, in a shadow tree too. */
export const focused = (inside: Node): Element | null =>
  (inside.getRootNode() as Document | ShadowRoot).activeElement ?? null;

/** Sets a text if it differs, so that nothing is announced or laid out twice. */
export function setText(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

export function setData(element: HTMLElement, name: string, value: string | undefined): void {
  if (value === undefined) delete element.dataset[name];
  else if (element.dataset[name] !== value) element.dataset[name] = value;
}

/** Starts the animation of a changed element from its beginning: by another name, so that the browser need not lay out
 * the page between the old and the new one. */
export function flash(element: HTMLElement): void {
  element.dataset.flash = element.dataset.flash === "even" ? "odd" : "even";
}

const SHAPES = {
  check: "M4.5 10.5l3.6 3.6 7.4-8",
  clock: "M10 5.5V10l3 2M17 10a7 7 0 1 1-14 0 7 7 0 0 1 14 0z",
  arrow: "M4 10h12m-5-5l5 5-5 5",
  close: "M5 5l10 10M15 5L5 15",
  lock: "M6 9V7a4 4 0 0 1 8 0v2M5 9h10v7H5z",
  globe:
    "M17 10a7 7 0 1 1-14 0 7 7 0 0 1 14 0zM3 10h14M10 3c2.4 2 2.4 12 0 14M10 3c-2.4 2-2.4 12 0 14",
  calendar: "M4 5.5h12V16H4zM4 8.5h12M7 3.5v3M13 3.5v3",
} as const;

export function icon(name: keyof typeof SHAPES): SVGSVGElement {
  const space = "http://www.w3.org/2000/svg";
  const svg = document.createElementNS(space, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", SHAPES[name]);
  svg.append(path);
  return svg;
}
