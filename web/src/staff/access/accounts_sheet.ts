/** The sheet with the accounts of staff, for owners. */

import { button } from "../../ui/button";
import { ask } from "../../ui/dialog/confirm";
import { openOnce, sheet } from "../../ui/dialog/dialog";
import { h } from "../../ui/dom";
import { field, Problem } from "../../ui/field";
import { menuButton, type MenuItem } from "../../ui/menu";
import type { AccessClient, Account, Session } from "./access_client";
import { type Grants, grantsOf, type Named } from "./calendar_choice";
import { accessAdvice, openForm, passwordInput } from "./password_sheet";
import { RolesField, rolesText } from "./roles_field";
import { texts } from "../texts";

interface Accounts {
  readonly accounts: readonly Account[];
}

export function showAccounts(
  root: HTMLElement,
  access: AccessClient,
  session: Session,
  calendars: readonly Named[],
): void {
  const grants = grantsOf(session, calendars);
  const list = h("ul", { class: "access-list", "aria-label": texts.access.accounts });
  const problem = new Problem();
  const load = async () => {
    problem.show("");
    try {
      const { accounts } = await access.ask<Accounts>("GET", "/accounts");
      list.replaceChildren(...accounts.map((one) => row(one)));
    } catch (error) {
      problem.show(accessAdvice(error));
    }
  };
  const change = async (method: "PATCH" | "DELETE", { id }: Account, body?: object) => {
    problem.show("");
    try {
      await access.ask(method, `/accounts/${encodeURIComponent(id)}`, body);
    } catch (error) {
      problem.show(accessAdvice(error));
      return;
    }
    await load();
  };
  const remove = async (account: Account) => {
    const question = {
      title: texts.access.removeTitle(account.name),
      text: texts.access.removeText,
      yes: texts.access.removeYes,
      no: texts.sheet.keep,
      isGrave: true,
    };
    if (await ask(root, question)) await change("DELETE", account);
  };
  const items = (account: Account): readonly MenuItem[] => [
    { text: texts.access.roles, onclick: () => askForRoles(root, access, account, grants, load) },
    { text: texts.access.newPassword, onclick: () => askForNewPassword(root, access, account) },
    {
      text: account.disabled ? texts.access.enable : texts.access.disable,
      onclick: () => void change("PATCH", account, { disabled: !account.disabled }),
    },
    { text: texts.access.remove, isGrave: true, onclick: () => void remove(account) },
  ];
  const row = (account: Account) =>
    h(
      "li",
      { class: "access-row" },
      h(
        "span",
        {},
        h("strong", {}, account.name),
        account.id === session.account && texts.access.you,
        account.disabled && texts.access.disabled,
        h("small", {}, rolesText(account.roles, calendars)),
      ),
      menuButton("⋯", texts.access.more(account.name), () => items(account)),
    );
  const dialog = sheet(
    { id: "accounts-title", title: texts.access.accounts, kind: "broad", isForm: true },
    list,
    problem.element,
    h(
      "div",
      { class: "actions" },
      button(texts.access.newAccount, () => askForAccount(root, access, grants, load), {
        kind: "primary",
      }),
      button(texts.sheet.done, () => dialog.close(), { kind: "quiet" }),
    ),
  );
  openOnce(root, dialog);
  void load();
}

function askForAccount(
  root: HTMLElement,
  access: AccessClient,
  grants: Grants,
  done: () => Promise<void>,
): void {
  const name = h("input", { name: "name", required: true, maxlength: 64, autocomplete: "off" });
  const password = passwordInput("password");
  const roles = new RolesField(grants);
  openForm(root, {
    id: "account-title",
    title: texts.access.newAccount,
    submit: texts.access.make,
    fields: [
      field(texts.sheet.name, name),
      field(texts.access.password, password, texts.access.leastCharactersTell),
      ...roles.elements,
    ],
    send: async () => {
      const body = { name: name.value, password: password.value, roles: roles.roles };
      await access.ask("POST", "/accounts", body);
      await done();
    },
  });
}

function askForRoles(
  root: HTMLElement,
  access: AccessClient,
  account: Account,
  grants: Grants,
  done: () => Promise<void>,
): void {
  const roles = new RolesField(grants, account.roles);
  openForm(root, {
    id: "roles-title",
    title: texts.access.rolesOf(account.name),
    submit: texts.sheet.save,
    fields: roles.elements,
    send: async () => {
      await access.ask("PATCH", `/accounts/${account.id}`, { roles: roles.roles });
      await done();
    },
  });
}

function askForNewPassword(root: HTMLElement, access: AccessClient, account: Account): void {
  const password = passwordInput("password");
  openForm(root, {
    id: "reset-title",
    title: texts.access.newPasswordOf(account.name),
    submit: texts.access.change,
    fields: [field(texts.access.newPassword, password, texts.access.endsSessions)],
    send: async () => {
      await access.ask("PATCH", `/accounts/${account.id}`, { password: password.value });
    },
  });
}
