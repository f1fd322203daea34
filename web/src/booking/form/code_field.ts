/** The field for the code that a guest was mailed. The booking counts once the code is right. */

import type { SentCodeAnswer, VerifiedAnswer } from "../../client/wire";
import { SlotcastError } from "../../client";
import type { Catalog } from "../../language/english";
import { adviceFor } from "../../ui/feedback/advice";
import { button } from "../../ui/button";
import { h, setText } from "../../ui/dom";
import { field, Problem } from "../../ui/field";
import type { MyBooking } from "../own/own_store";

export interface CodeParts {
  readonly catalog: Catalog;
  readonly booking: MyBooking;
  /** Empty where the page does not know it any more, as after a reload. */
  readonly email: string;
  readonly verify: (booking: MyBooking, code: string) => Promise<VerifiedAnswer>;
  readonly sendAgain: (booking: MyBooking) => Promise<SentCodeAnswer>;
  /** Takes the booking as it is with its code. */
  onVerified(answer: VerifiedAnswer): void;
}

export function codeField(parts: CodeParts): HTMLElement {
  const { catalog, booking, email, verify, onVerified } = parts;
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
    h("p", { class: "sheet-text" }, email === "" ? texts.textLater : texts.text(email)),
    field(texts.code, code),
    problem.element,
    submit,
    againButton(parts, problem),
  );
}

/** The button for another mail. It rests until the server sends one again. */
function againButton({ catalog, booking, sendAgain }: CodeParts, problem: Problem): HTMLElement {
  const { verify: texts } = catalog;
  const said = h("p", { class: "hint", role: "status" });
  const rest = (seconds: number) => {
    again.disabled = true;
    setTimeout(() => (again.disabled = false), seconds * 1_000);
  };
  const send = async (): Promise<void> => {
    again.disabled = true;
    problem.show("");
    setText(said, "");
    try {
      const { sent, mails_left, wait_seconds } = await sendAgain(booking);
      if (sent) setText(said, texts.sent);
      if (mails_left === 0) again.hidden = true;
      else rest(wait_seconds);
    } catch (error) {
      const wait = error instanceof SlotcastError ? error.details.retry_after : undefined;
      if (typeof wait !== "number") again.disabled = false;
      else rest(wait);
      problem.show(adviceFor(error, catalog));
    }
  };
  const again = button(texts.again, () => void send(), { kind: "quiet" });
  return h("div", { class: "again" }, again, said);
}
