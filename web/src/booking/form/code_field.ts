/** The field for the code that a guest was mailed. The booking counts once the code is right. */

import type { VerifiedAnswer } from "../../client/wire";
import type { Catalog } from "../../language/english";
import { adviceFor } from "../../ui/feedback/advice";
import { button } from "../../ui/button";
import { h } from "../../ui/dom";
import { field, Problem } from "../../ui/field";
import type { MyBooking } from "../own/own_store";

export interface CodeParts {
  readonly catalog: Catalog;
  readonly booking: MyBooking;
  readonly email: string;
  readonly verify: (booking: MyBooking, code: string) => Promise<VerifiedAnswer>;
  /** Takes the booking as it is with its code. */
  onVerified(answer: VerifiedAnswer): void;
}

export function codeField({ catalog, booking, email, verify, onVerified }: CodeParts): HTMLElement {
  const { verify: texts } = catalog;
  const problem = new Problem();
  const code = h("input", {
    name: "code",
    inputmode: "numeric",
    autocomplete: "one-time-code",
    maxlength: 64,
    required: true,
  });
  const submit = button(texts.submit, undefined, { type: "submit", kind: "primary wide" });
  const send = async (): Promise<void> => {
    submit.disabled = true;
    problem.show("");
    try {
      const answer = await verify(booking, code.value.trim());
      if (answer.verified) onVerified(answer);
      else problem.show(answer.tries_left > 0 ? texts.wrong(answer.tries_left) : texts.noTries);
    } catch (error) {
      problem.show(adviceFor(error, catalog));
    } finally {
      submit.disabled = false;
    }
  };
  return h(
    "form",
    {
      class: "form code",
      onsubmit: (event: Event) => {
        event.preventDefault();
        void send();
      },
    },
    h("p", { class: "done-title" }, texts.title),
    h("p", { class: "sheet-text" }, texts.text(email)),
    field(texts.code, code),
    problem.element,
    submit,
  );
}
