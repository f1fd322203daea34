/** Saves a file made in the page to the visitor's disk. */

/** A browser may ask for a folder first. */
const KEEP_MS = 60_000;

export function saveFile(root: HTMLElement, name: string, type: string, text: string): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.hidden = true;
  root.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), KEEP_MS);
}
