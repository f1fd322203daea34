/** A row of a token or a private link: whose it is, when it was made and used, and its end. */

import { button } from "../../ui/button";
import { ask } from "../../ui/dialog/confirm";
import { h } from "../../ui/dom";
import type { Credential } from "./access_client";
import type { Named } from "./calendar_choice";
import { rolesText } from "./roles_field";
import { locale, texts } from "../texts";

export interface RowSetting {
  readonly root: HTMLElement;
  /** Name those of the roles. */
  readonly calendars: readonly Named[];
  /** The subject of the token that this page uses. */
  readonly own?: string | undefined;
  revoke(credential: Credential): Promise<void>;
  failed(error: unknown): void;
}

export function credentialRow(credential: Credential, setting: RowSetting): HTMLElement {
  const revoke = async () => {
    const question = {
      title: texts.access.revokeTitle,
      text: texts.access.revokeText,
      yes: texts.access.revoke,
      no: texts.sheet.keep,
      isGrave: true,
    };
    if (!(await ask(setting.root, question))) return;
    try {
      await setting.revoke(credential);
    } catch (error) {
      setting.failed(error);
    }
  };
  const { roles, subject, revoked_at } = credential;
  const isLink = Object.values(roles).includes("");
  const label = texts.access.revokeOne(subject);
  return h(
    "li",
    { class: "access-row" },
    h(
      "span",
      {},
      h("strong", {}, isLink ? texts.access.link(subject.slice(-6)) : subject),
      subject === setting.own && texts.access.thisPage,
      h(
        "small",
        {},
        [isLink ? "" : rolesText(roles, setting.calendars), datesText(credential)]
          .filter(Boolean)
          .join(" · "),
      ),
    ),
    revoked_at === null
      ? button(texts.access.revoke, () => void revoke(), { kind: "small", label })
      : h("span", { class: "hint" }, texts.access.revoked),
  );
}

/** Returns when it was made, by whom, last used, and when it ends. */
export function datesText(credential: Credential): string {
  const { made_by, made_at, used_at, expires_at } = credential;
  const { made, madeBy, madeElsewhere, notUsed, used, noEnd, ends } = texts.access;
  const day = dayText(made_at);
  const isKnown = Date.parse(made_at) > 0;
  const parts = [
    isKnown ? (made_by === "" ? made(day) : madeBy(day, made_by)) : madeElsewhere,
    used_at === null ? notUsed : used(dayText(used_at)),
    expires_at === null ? noEnd : ends(dayText(expires_at)),
  ];
  return parts.join(" · ");
}

const dayText = (at: string): string =>
  new Date(at).toLocaleDateString(locale.language, { dateStyle: "medium" });
