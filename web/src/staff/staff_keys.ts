/** The keys of the staff page, for hands that stay on the keyboard. */

export interface KeyActions {
  readonly [key: string]: () => void;
}

/** Calls the action of a key, unless somebody types or a dialog or menu is open. */
export function onKeys(actions: KeyActions): void {
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    const target = event.target as HTMLElement;
    if (target.matches("input, textarea, select") || target.isContentEditable) return;
    if (document.querySelector("dialog[open], :popover-open") !== null) return;
    const action = Object.hasOwn(actions, event.key) ? actions[event.key] : undefined;
    if (action === undefined) return;
    event.preventDefault();
    action();
  });
}
