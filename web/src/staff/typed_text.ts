/** Keeps what staff have typed in a sheet: a reload, Escape and a click beside the sheet ask first. */

import { ask } from "../ui/dialog/confirm";
import { texts } from "./texts";

const TYPED = "textarea, input:not([type=checkbox], [type=search], [readonly])";
type Control = HTMLInputElement | HTMLTextAreaElement;

export function keepTypedText(root: HTMLElement): void {
  /** The values that the fields had at their first focus. */
  const before = new WeakMap<Control, string>();
  root.addEventListener("focusin", ({ target }) => {
    const control = target as Control;
    if (control.matches(TYPED) && control.closest("dialog form") !== null && !before.has(control))
      before.set(control, control.value);
  });
  const isTyped = (dialog: Element) =>
    [...dialog.querySelectorAll<Control>(TYPED)].some(
      (control) => (before.get(control) ?? control.value) !== control.value,
    );
  addEventListener("beforeunload", (event) => {
    if ([...root.querySelectorAll("dialog[open]")].some(isTyped)) event.preventDefault();
  });
  const onCancel = async (event: Event) => {
    const dialog = event.target as HTMLDialogElement;
    if (!isTyped(dialog)) return;
    event.preventDefault();
    const { dropTitle: title, dropText: text, drop: yes, goOn: no } = texts.sheet;
    if (await ask(root, { title, text, yes, no, isGrave: true })) dialog.close();
  };
  // The event does not bubble.
  root.addEventListener("cancel", (event) => void onCancel(event), true);
}
