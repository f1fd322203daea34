/** Modal sheets: one frame for every dialog of the pages. */

import { h, type Child } from "../dom";

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
  dialog.addEventListener("close", () => dialog.remove());
  root.append(dialog);
  dialog.showModal();
}

/** Closes a dialog when its backdrop is clicked. */
export function closeOnBackdrop(dialog: HTMLDialogElement, answer?: string): void {
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close(answer);
  });
}
