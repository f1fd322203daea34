/** Copies a link to the clipboard. */

import { button } from "../button";
import { openOnce, sheet } from "./dialog";
import { h } from "../dom";
import { type Catalog, ENGLISH } from "../../language/english";
import { field } from "../field";

/** Copies `link` and resolves with true. Without a clipboard it shows the link instead. */
export async function copyLink(
  root: HTMLElement,
  title: string,
  link: string,
  texts: Catalog = ENGLISH,
): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(link);
    return true;
  } catch {
    // The page has no TLS, or the visitor refused the permission.
    showLink(root, title, link, texts);
    return false;
  }
}

/** Shows a link to be copied by hand. */
export function showLink(
  root: HTMLElement,
  title: string,
  link: string,
  { form, receipt }: Catalog,
  label = receipt.copyByHand,
): void {
  const text = h("input", { readonly: true, value: link, spellcheck: "false" });
  const done = button(form.done, () => dialog.close(), { kind: "primary" });
  const dialog = sheet(
    { id: "link-title", title, kind: "ask", isForm: true },
    field(label, text),
    h("div", { class: "actions" }, done),
  );
  openOnce(root, dialog);
  text.select();
}
