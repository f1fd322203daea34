/** Asks before what cannot be taken back; without a way to say no, it only tells. */

import { h } from "./dom";

export interface Question {
  readonly title: string;
  readonly text: string;
  readonly yes: string;
  readonly no?: string;
  readonly isGrave?: boolean;
}

export function ask(root: HTMLElement, question: Question): Promise<boolean> {
  return new Promise((resolve) => {
    const close = (value: string) => () => dialog.close(value);
    const dialog = h(
      "dialog",
      { class: "sheet ask", "aria-labelledby": "ask-title" },
      h(
        "div",
        { class: "sheet-body" },
        h("h2", { id: "ask-title", class: "sheet-title" }, question.title),
        h("p", { class: "sheet-text" }, question.text),
        h(
          "div",
          { class: "actions" },
          h(
            "button",
            {
              type: "button",
              class: `button ${question.isGrave ? "grave" : "primary"}`,
              onclick: close("yes"),
            },
            question.yes,
          ),
          question.no !== undefined &&
            h(
              "button",
              {
                type: "button",
                class: "button",
                autofocus: question.isGrave,
                onclick: close("no"),
              },
              question.no,
            ),
        ),
      ),
    );
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close("no");
    });
    dialog.addEventListener("close", () => {
      dialog.remove();
      resolve(dialog.returnValue === "yes");
    });
    root.append(dialog);
    dialog.showModal();
  });
}
