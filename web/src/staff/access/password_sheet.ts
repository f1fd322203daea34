/** The sheets for passwords: the first account of a server, and a new password of one's own. */

import { SlotcastError } from "../../client";
import { h } from "../../ui/dom";
import { field } from "../../ui/field";
import type { Toasts } from "../../ui/feedback/toast";
import { AccessClient } from "./access_client";
import { openFormSheet } from "../sheets/form_sheet";
import { adviceFor, texts } from "../texts";

export const LEAST_CHARACTERS = 8;

export const passwordInput = (name: string, autocomplete = "new-password"): HTMLInputElement =>
  h("input", {
    name,
    type: "password",
    required: true,
    minlength: autocomplete === "new-password" ? LEAST_CHARACTERS : 1,
    maxlength: 256,
    autocomplete,
  });

interface FormParts {
  readonly id: string;
  readonly title: string;
  readonly submit: string;
  readonly fields: readonly HTMLElement[];
  send(): Promise<void>;
  /** Runs after the sheet has closed. */
  done?(): void;
}

/** Opens a sheet with a form. It closes once `send` has succeeded. */
export function openForm(root: HTMLElement, parts: FormParts): void {
  openFormSheet(root, {
    heading: { id: parts.id, title: parts.title },
    fields: parts.fields,
    yes: parts.submit,
    no: texts.sheet.cancel,
    advice: accessAdvice,
    save: async (dialog) => {
      await parts.send();
      dialog.close();
      parts.done?.();
    },
  });
}

/** Makes the first owner's account, and signs in with it in place of the link. */
export function askForFirstAccount(
  root: HTMLElement,
  access: AccessClient,
  done: () => void,
): void {
  const name = h("input", {
    name: "name",
    required: true,
    maxlength: 64,
    autocomplete: "username",
  });
  const password = passwordInput("password");
  openForm(root, {
    id: "first-account-title",
    title: texts.access.yourAccount,
    submit: texts.access.makeAndSignIn,
    fields: [
      field(texts.sheet.name, name),
      field(texts.access.password, password, texts.access.leastCharacters),
    ],
    send: async () => {
      const account = { name: name.value, password: password.value, roles: { "*": "owner" } };
      await access.ask("POST", "/accounts", account);
      await new AccessClient().signIn(name.value, password.value);
    },
    done,
  });
}

export function askForPassword(root: HTMLElement, access: AccessClient, toasts: Toasts): void {
  const present = passwordInput("present", "current-password");
  const wanted = passwordInput("wanted");
  openForm(root, {
    id: "password-title",
    title: texts.access.changePassword,
    submit: texts.access.change,
    fields: [
      field(texts.access.presentPassword, present),
      field(texts.access.newPassword, wanted, texts.access.leastCharacters),
    ],
    send: async () => {
      const body = { password: present.value, new_password: wanted.value };
      await access.ask("POST", "/session/password", body);
      toasts.say(texts.access.changed, "good");
    },
  });
}

const rules = (): Readonly<Record<string, string | undefined>> => ({
  password: texts.access.otherPassword,
  last_owner: texts.access.lastOwner,
  scope: texts.access.foreignScope,
});

export function accessAdvice(error: unknown): string {
  if (!(error instanceof SlotcastError)) return adviceFor(error);
  if (error.code === "already_exists") return texts.access.sameName;
  return rules()[String(error.details.rule)] ?? adviceFor(error);
}
