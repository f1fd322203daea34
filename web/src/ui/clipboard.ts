/** Copies a link; where the browser forbids that, shows it to be copied by hand. */

import { h } from "./dom";

export async function copyLink(root: HTMLElement, title: string, link: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(link);
    return true;
  } catch {
    // No clipboard: an address without TLS, or a visitor who said no.
    showLink(root, title, link);
    return false;
  }
}

function showLink(root: HTMLElement, title: string, link: string): void {
  const text = h("input", { readonly: true, value: link, spellcheck: "false" });
  const done = h("button", { type: "button", class: "button primary" }, "Done");
  const dialog = h(
    "dialog",
    { class: "sheet ask", "aria-labelledby": "link-title" },
    h(
      "div",
      { class: "sheet-body form" },
      h("h2", { class: "sheet-title", id: "link-title" }, title),
      h(
        "label",
        { class: "field" },
        h("span", { class: "field-label" }, "Copy this address"),
        text,
      ),
      h("div", { class: "actions" }, done),
    ),
  );
  done.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  root.append(dialog);
  dialog.showModal();
  text.select();
}
