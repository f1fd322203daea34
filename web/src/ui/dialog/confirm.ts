/** Asks for confirmation before an action without a way back. */

import { button } from "../button";
import { closeOnBackdrop, openOnce, sheet } from "./dialog";
import { type Child, h } from "../dom";

export interface Question {
  readonly title: string;
  readonly text: string;
  readonly yes: string;
  /** Absent for a notice with only one answer. */
  readonly no?: string;
  readonly isGrave?: boolean;
  /** Stands below the text. */
  readonly details?: readonly Child[];
}

/** Resolves with true when the visitor chose `yes`. */
export function ask(root: HTMLElement, question: Question): Promise<boolean> {
  const { title, text, yes, no, isGrave = false, details = [] } = question;
  return new Promise((resolve) => {
    const choose = (value: string) => () => dialog.close(value);
    const actions = h(
      "div",
      { class: "actions" },
      button(yes, choose("yes"), { kind: isGrave ? "grave" : "primary" }),
      no !== undefined && button(no, choose("no"), { isAutofocused: isGrave }),
    );
    const dialog = sheet(
      { id: "ask-title", title, kind: "ask" },
      h("p", { class: "sheet-text" }, text),
      ...details,
      actions,
    );
    closeOnBackdrop(dialog, "no");
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"));
    openOnce(root, dialog);
  });
}
