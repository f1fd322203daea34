/** The sheet with the tokens in use, for owners. */

import { button } from "../../ui/button";
import { showLink } from "../../ui/dialog/clipboard";
import { openOnce, sheet } from "../../ui/dialog/dialog";
import { h } from "../../ui/dom";
import { field, Problem } from "../../ui/field";
import type { AccessClient, Credential, Session } from "./access_client";
import { type Grants, grantsOf, type Named } from "./calendar_choice";
import { credentialRow, type RowSetting } from "./credential_row";
import { accessAdvice, openForm } from "./password_sheet";
import { RolesField } from "./roles_field";
import { locale, texts } from "../texts";

interface Tokens {
  readonly tokens: readonly Credential[];
}

const DAY_S = 86_400;

export function showTokens(
  root: HTMLElement,
  access: AccessClient,
  session: Session,
  calendars: readonly Named[],
): void {
  const list = h("ul", { class: "access-list", "aria-label": texts.access.tokens });
  const problem = new Problem();
  const setting: RowSetting = {
    root,
    calendars,
    own: access.hasToken ? session.subject : undefined,
    revoke: async ({ id }) => {
      await access.ask("DELETE", `/tokens/${encodeURIComponent(id)}`);
      await load();
    },
    failed: (error) => problem.show(accessAdvice(error)),
  };
  const load = async () => {
    problem.show("");
    try {
      const { tokens } = await access.ask<Tokens>("GET", "/tokens");
      list.replaceChildren(...tokens.map((token) => credentialRow(token, setting)));
      if (tokens.length === 0) list.append(h("li", {}, texts.access.noTokens));
    } catch (error) {
      problem.show(accessAdvice(error));
    }
  };
  const dialog = sheet(
    { id: "tokens-title", title: texts.access.tokens, kind: "broad", isForm: true },
    h("p", { class: "sheet-text" }, texts.access.tokensText),
    list,
    problem.element,
    h(
      "div",
      { class: "actions" },
      button(
        texts.access.newToken,
        () => askForToken(root, access, grantsOf(session, calendars), load),
        { kind: "primary" },
      ),
      button(texts.sheet.done, () => dialog.close(), { kind: "quiet" }),
    ),
  );
  openOnce(root, dialog);
  void load();
}

function askForToken(
  root: HTMLElement,
  access: AccessClient,
  grants: Grants,
  done: () => Promise<void>,
): void {
  const subject = h("input", { name: "subject", required: true, maxlength: 64 });
  const days = h("input", {
    name: "days",
    type: "number",
    min: 1,
    max: 366,
    value: 30,
    required: true,
  });
  const roles = new RolesField(grants);
  openForm(root, {
    id: "token-title",
    title: texts.access.newToken,
    submit: texts.access.make,
    fields: [
      field(texts.access.forWhom, subject),
      field(texts.access.days, days),
      ...roles.elements,
    ],
    send: async () => {
      const { token } = await access.ask<{ token: string }>("POST", "/tokens", {
        subject: subject.value,
        role: roles.role,
        calendars: roles.calendars,
        lifetime_seconds: Number(days.value) * DAY_S,
      });
      await done();
      showLink(root, texts.access.theToken, token, locale.texts, texts.access.copyNow);
    },
  });
}
