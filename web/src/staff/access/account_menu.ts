/** The menu of the person who works with the page: accounts, tokens, the password, and the sign-out. */

import { pageHome } from "../../address/home";
import { button } from "../../ui/button";
import type { CalendarInfo } from "../../client";
import { h, setText } from "../../ui/dom";
import { menuButton, type MenuItem, openMenu } from "../../ui/menu";
import { chooseForGood, chosenLanguage, type Language, LANGUAGES } from "../language_choice";
import type { StaffContext } from "../staff_context";
import { showAccounts } from "./accounts_sheet";
import { type AccessClient, isOwner, type Session } from "./access_client";
import { askForFirstAccount, askForPassword } from "./password_sheet";
import { showTokens } from "./tokens_sheet";
import { texts } from "../texts";

export class AccountMenu {
  readonly element: HTMLButtonElement;
  /** Shown to the owner of a server without accounts. */
  readonly notice = h("section", {
    class: "first",
    "aria-label": texts.access.yourAccount,
    hidden: true,
  });
  readonly #context: StaffContext;
  readonly #access: AccessClient;
  readonly #calendars: () => readonly CalendarInfo[];
  readonly #signedOut: () => void;
  #session: Session | null = null;
  #isAsked = false;

  constructor(
    context: StaffContext,
    access: AccessClient,
    calendars: () => readonly CalendarInfo[],
    signedOut: () => void,
  ) {
    this.#context = context;
    this.#access = access;
    this.#calendars = calendars;
    this.#signedOut = signedOut;
    this.element = menuButton("…", texts.access.yourAccount, () => this.#items());
    this.element.classList.add("account");
    this.element.hidden = true;
  }

  get session(): Session | null {
    return this.#session;
  }

  /** Whether the session was asked for. What it shows moves the page below, so that waits. */
  get isAsked(): boolean {
    return this.#isAsked;
  }

  async load(): Promise<void> {
    try {
      await this.#read();
    } finally {
      this.#isAsked = true;
    }
  }

  async #read(): Promise<void> {
    const { session, has_accounts } = await this.#access.session();
    this.#session = session;
    if (session === null) return;
    setText(this.element, session.subject);
    this.element.setAttribute("aria-label", texts.access.accountOf(session.subject));
    this.element.hidden = false;
    if (!has_accounts && isOwner(session.roles, true)) this.#offer();
  }

  #items(): readonly MenuItem[] {
    const { root } = this.#context;
    const session = this.#session;
    if (session === null) return [];
    const isAnOwner = isOwner(session.roles);
    const items: (MenuItem | false)[] = [
      isAnOwner && {
        text: texts.access.accounts,
        onclick: () => showAccounts(root, this.#access, session, this.#calendars()),
      },
      isAnOwner && {
        text: texts.access.tokens,
        onclick: () => showTokens(root, this.#access, session, this.#calendars()),
      },
      isOwner(session.roles, true) && {
        text: texts.access.server,
        onclick: () => location.assign(`${pageHome()}/staff/server`),
      },
      session.account !== undefined && {
        text: texts.access.changePassword,
        onclick: () => askForPassword(root, this.#access, this.#context.toasts),
      },
      { text: texts.access.language, onclick: () => this.#chooseLanguage() },
      {
        text: this.#access.hasToken ? texts.access.forget : texts.access.signOut,
        onclick: () => this.#end(),
      },
    ];
    return items.filter((item) => item !== false);
  }

  /** A page in another language loads anew. */
  #chooseLanguage(): void {
    const chosen = chosenLanguage();
    const item = (text: string, language?: Language): MenuItem => ({
      text: language === chosen ? `✓ ${text}` : text,
      onclick: () => chooseForGood(language),
    });
    openMenu(this.element, [
      item(texts.access.byBrowser),
      ...Object.entries(LANGUAGES).map(([language, name]) => item(name, language as Language)),
    ]);
  }

  #end(): void {
    void this.#context.run(async () => {
      if (!this.#access.hasToken) await this.#access.signOut();
      this.#signedOut();
    });
  }

  #offer(): void {
    const { root } = this.#context;
    this.notice.hidden = false;
    this.notice.replaceChildren(
      h("h2", { class: "first-title" }, texts.access.offerTitle),
      h("p", {}, texts.access.offerText),
      h(
        "div",
        { class: "actions" },
        button(
          texts.access.offerYes,
          () => askForFirstAccount(root, this.#access, this.#signedOut),
          {
            kind: "primary",
          },
        ),
        button(texts.access.later, () => (this.notice.hidden = true), { kind: "quiet" }),
      ),
    );
  }
}
