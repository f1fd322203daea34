/** The second click of a double click, where the first one has changed what is under the pointer. */

const DOUBLE_MS = 500;

/** Drops the second click: it would go to what has come under the pointer, as the backdrop of a dialog that has just
 * opened, or a row below one that has closed. */
export function dropSecondClick(): void {
  const drop = (event: MouseEvent) => {
    if (event.detail < 2) return;
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  // The second press would take the focus along.
  for (const type of ["mousedown", "click"] as const) {
    addEventListener(type, drop, true);
    setTimeout(() => removeEventListener(type, drop, true), DOUBLE_MS);
  }
}
