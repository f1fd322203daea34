/** Copies a link to the clipboard. */

import { button } from "../button";
import { openOnce, sheet } from "./dialog";
import { h } from "../dom";
import { field } from "../field";

/** Copies `link` and resolves with true. Without a clipboard it shows the link instead. */
export async function copyLink(root: HTMLElement, title: string, link: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(link);
    return true;
  } catch {
    // The page has no TLS, or the visitor refused the permission.
    showLink(root, title, link);
    return false;
  }
}

function showLink(root: HTMLElement, title: string, link: string): void {
  const text = h("input", { readonly: true, value: link, spellcheck: "false" });
  const done = button("Done", () => dialog.close(), { kind: "primary" });
  const dialog = sheet(
    { id: "link-title", title, kind: "ask", isForm: true },
    field("Copy this address", text),
    h("div", { class: "actions" }, done),
  );
  openOnce(root, dialog);
  text.select();
}
