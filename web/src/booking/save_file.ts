/** Gives the visitor a file that was made in the page. */

/** Long enough for a browser that asks where to put it. */
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
