/** The script's own address: the server is where the script came from. */

const SCRIPT = /\/slotcast-calendar(-[0-9a-f]+)?\.js(\?|$)/;

/** The address of the server of a script, with the path that a proxy may serve it under. */
export const serverOf = (script: string): string => new URL(".", script).href.replace(/\/$/, "");

export function homeOfScript(): string {
  // A module has no currentScript, so its name finds it.
  const scripts = [document.currentScript, ...document.querySelectorAll("script[src]")];
  const found = scripts.find((one) => one instanceof HTMLScriptElement && SCRIPT.test(one.src)) as
    HTMLScriptElement | undefined;
  return found === undefined ? location.origin : serverOf(found.src);
}
