/** A menu of actions under a button. Escape, a click beside it and a choice close it. */

import { h } from "./dom";
import { dropSecondClick } from "./second_click";

export interface MenuItem {
  readonly text: string;
  /** Marks an action that takes something away. */
  readonly isGrave?: boolean;
  onclick(): void;
}

const GAP = 4;

/** Makes a button that opens a menu. `items` is asked at each opening. */
export function menuButton(
  text: string,
  label: string,
  items: () => readonly MenuItem[],
): HTMLButtonElement {
  const made = h(
    "button",
    {
      type: "button",
      class: "button small quiet",
      "aria-haspopup": "menu",
      "aria-expanded": "false",
      "aria-label": label,
    },
    text,
  );
  made.addEventListener("click", () => openMenu(made, items()));
  return made;
}

/** Opens a menu at an element. `about` are lines above the actions. */
export function openMenu(
  anchor: HTMLElement,
  items: readonly MenuItem[],
  about: readonly string[] = [],
): void {
  const buttons = items.map(({ text, isGrave = false, onclick }) => {
    const take = () => {
      menu.hidePopover();
      onclick();
      dropSecondClick();
    };
    const kind = isGrave ? "menu-item grave" : "menu-item";
    return h("button", { type: "button", role: "menuitem", class: kind, onclick: take }, text);
  });
  const menu = h(
    "div",
    { class: "menu", popover: "auto" },
    ...about.map((line) => h("p", { class: "menu-line", dir: "auto" }, line)),
    h("div", { role: "menu", "aria-label": about.join(", ") || undefined }, ...buttons),
  );
  menu.addEventListener("keydown", (event) => move(menu, event));
  menu.addEventListener("toggle", (event) => {
    const isOpen = (event as ToggleEvent).newState === "open";
    anchor.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) return;
    menu.remove();
  });
  // A dialog in front would cover a menu that stands outside of it.
  (anchor.closest("dialog") ?? anchor.closest("main") ?? document.body).append(menu);
  menu.showPopover();
  place(menu, anchor);
  menu.querySelector("button")?.focus();
}

/** Puts the menu under its button, or over it where the window ends. */
function place(menu: HTMLElement, anchor: HTMLElement): void {
  const at = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const isBelow = at.bottom + GAP + height <= innerHeight;
  menu.style.top = `${Math.max(GAP, isBelow ? at.bottom + GAP : at.top - GAP - height)}px`;
  menu.style.left = `${Math.max(GAP, Math.min(at.right - width, innerWidth - width - GAP))}px`;
}

function move(menu: HTMLElement, event: KeyboardEvent): void {
  const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  if (step === 0) return;
  event.preventDefault();
  const buttons = [...menu.querySelectorAll("button")];
  const at = buttons.indexOf(document.activeElement as HTMLButtonElement);
  buttons[(at + step + buttons.length) % buttons.length]?.focus();
}
