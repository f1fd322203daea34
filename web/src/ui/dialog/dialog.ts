/** Modal sheets: one frame for every dialog of the pages. */

import { h, type Child } from "../dom";
import { dropSecondClick } from "../second_click";

export interface SheetParts {
  readonly id: string;
  readonly title: string;
  /** Classes beside `sheet`, with spaces between. */
  readonly kind?: string;
  /** Lays the body out as a form. */
  readonly isForm?: boolean;
}

/** Makes a dialog with a title. The title labels it for screen readers. */
export function sheet(parts: SheetParts, ...children: readonly Child[]): HTMLDialogElement {
  const { id, title, kind = "", isForm = false } = parts;
  return h(
    "dialog",
    { class: kind === "" ? "sheet" : `sheet ${kind}`, "aria-labelledby": id },
    h(
      "div",
      { class: isForm ? "sheet-body form" : "sheet-body" },
      h("h2", { class: "sheet-title", id }, title),
      ...children,
    ),
  );
}

/** Shows a dialog once and removes it when it closes. */
export function openOnce(root: HTMLElement, dialog: HTMLDialogElement): void {
  dialog.addEventListener("close", () => {
    dialog.remove();
    dropSecondClick();
  });
  // The event above comes after the next click.
  dialog.addEventListener("click", () => {
    if (!dialog.open) dropSecondClick();
  });
  root.append(dialog);
  dialog.showModal();
  dropSecondClick();
}

/** Closes a dialog when its backdrop is clicked, unless a listener keeps it open as it may with Escape. A text that is selected beyond the edge of the dialog ends on the
 * backdrop too, and closes nothing. */
export function closeOnBackdrop(dialog: HTMLDialogElement, answer?: string): void {
  let isBegun = false;
  dialog.addEventListener("pointerdown", ({ target }) => {
    isBegun = target === dialog;
  });
  dialog.addEventListener("click", ({ target }) => {
    if (!isBegun || target !== dialog) return;
    if (dialog.dispatchEvent(new Event("cancel", { cancelable: true }))) dialog.close(answer);
  });
}
