/** A sheet with one form: it is sent once at a time, and a refusal is told above its button. */

import { button } from "../../ui/button";
import { openOnce, sheet } from "../../ui/dialog/dialog";
import { type Child, h } from "../../ui/dom";
import { Problem } from "../../ui/field";
import { adviceFor, texts } from "../texts";

interface FormSheet {
  readonly heading: Parameters<typeof sheet>[0];
  /** What stands above the form. */
  readonly lead?: Child;
  readonly fields: readonly Child[];
  /** The text of the button that sends the form. */
  readonly yes: string;
  /** The text of the button that closes the sheet: "Not now" by default. */
  readonly no?: string;
  /** Whether the buttons stay in sight above a long form. */
  readonly isPinned?: boolean;
  /** The text for a refusal. */
  readonly advice?: (error: unknown) => string;
  /** Does what the form says. The sheet stays open unless this closes it. */
  save(dialog: HTMLDialogElement, problem: Problem): Promise<void>;
}

export function openFormSheet(root: HTMLElement, parts: FormSheet): void {
  const problem = new Problem();
  const submit = button(parts.yes, undefined, { type: "submit", kind: "primary wide" });
  const onsubmit = async (event: Event) => {
    event.preventDefault();
    problem.show("");
    submit.disabled = true;
    try {
      await parts.save(dialog, problem);
    } catch (error) {
      problem.show((parts.advice ?? adviceFor)(error));
      problem.element.scrollIntoView({ block: "nearest" });
    } finally {
      submit.disabled = false;
    }
  };
  const dialog = sheet(
    parts.heading,
    parts.lead,
    h(
      "form",
      { class: "form", onsubmit: (event) => void onsubmit(event) },
      ...parts.fields,
      problem.element,
      h(
        "div",
        { class: parts.isPinned ? "actions pinned" : "actions" },
        submit,
        button(parts.no ?? texts.sheet.notNow, () => dialog.close(), { kind: "quiet" }),
      ),
    ),
  );
  openOnce(root, dialog);
}
