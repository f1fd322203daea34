/** The log-in of staff: a form with a name and a password. */

import { SlotcastError } from "../../client";
import { button } from "../../ui/button";
import { h } from "../../ui/dom";
import { field, Problem } from "../../ui/field";
import type { AccessClient } from "./access_client";
import { adviceFor, texts } from "../texts";

/** Shows the form. `done` is called once the session is open. */
export function showSignIn(root: HTMLElement, access: AccessClient, done: () => void): void {
  const name = h("input", { name: "name", required: true, autocomplete: "username" });
  const password = h("input", {
    name: "password",
    type: "password",
    required: true,
    autocomplete: "current-password",
  });
  const problem = new Problem();
  const submit = button(texts.access.signIn, undefined, { type: "submit", kind: "primary wide" });
  const onsubmit = async (event: Event) => {
    event.preventDefault();
    problem.show("");
    submit.disabled = true;
    try {
      await access.signIn(name.value, password.value);
      done();
    } catch (error) {
      problem.show(signInAdvice(error));
      password.select();
    } finally {
      submit.disabled = false;
    }
  };
  root.replaceChildren(
    h(
      "div",
      { class: "sign-in" },
      h("h1", { class: "sheet-title" }, texts.head.title),
      h(
        "form",
        { class: "form", onsubmit: (event: Event) => void onsubmit(event) },
        field(texts.sheet.name, name),
        field(texts.access.password, password),
        problem.element,
        submit,
      ),
      h("p", { class: "hint" }, texts.access.byLink),
    ),
  );
  name.focus();
}

function signInAdvice(error: unknown): string {
  const isWrong = error instanceof SlotcastError && error.code === "unauthorized";
  return isWrong ? texts.access.wrong : adviceFor(error);
}

/** Shows how the page opens on a server without accounts. */
export const showHowToOpen = (root: HTMLElement): void =>
  showNotice(root, texts.access.howTitle, texts.access.howText);

/** Shows that the server does not say now whether this browser is signed in. */
export const showNotNow = (root: HTMLElement, error: unknown): void =>
  showNotice(root, texts.head.notNow, adviceFor(error));

function showNotice(root: HTMLElement, title: string, text: string): void {
  root.replaceChildren(h("div", { class: "blank" }, h("h1", {}, title), h("p", {}, text)));
}
