/** Requests about sessions, accounts, tokens and private links. They go over HTTP: the cookie of a
 * session is set there, and no script can read it. */

import { pageHome } from "../../address/home";
import { SlotcastError } from "../../client";
import { isOf, readProblem } from "../../client/http.ts";

export type RoleName = "owner" | "staff" | "viewer";
export type Roles = Readonly<Record<string, RoleName>>;

export interface Session {
  readonly subject: string;
  readonly roles: Roles;
  /** Absent for a token. */
  readonly account?: string;
  readonly expires_at: string | null;
}

export interface SessionAnswer {
  readonly session: Session | null;
  readonly has_accounts: boolean;
}

export interface Account {
  readonly id: string;
  readonly name: string;
  readonly roles: Roles;
  readonly created_at: string;
  readonly disabled: boolean;
}

/** A token or a private link, without its secret. */
export interface Credential {
  readonly id: string;
  readonly subject: string;
  readonly roles: Readonly<Record<string, string>>;
  readonly made_by: string;
  readonly made_at: string;
  readonly expires_at: string | null;
  readonly used_at: string | null;
  readonly revoked_at: string | null;
}

type Method = "GET" | "POST" | "PATCH" | "DELETE";

const ANSWER_MS = 15_000;

export class AccessClient {
  readonly #token: string | undefined;

  /** Without a token the session of the browser counts. */
  constructor(token?: string) {
    this.#token = token;
  }

  get hasToken(): boolean {
    return this.#token !== undefined;
  }

  session(): Promise<SessionAnswer> {
    return this.ask("GET", "/session");
  }

  signIn(name: string, password: string): Promise<SessionAnswer> {
    return this.ask("POST", "/session", { name, password });
  }

  signOut(): Promise<SessionAnswer> {
    return this.ask("DELETE", "/session");
  }

  async ask<Answer>(method: Method, path: string, body?: object): Promise<Answer> {
    const url = new URL(`${pageHome()}/api${path}`);
    const headers: Record<string, string> = {};
    if (this.#token !== undefined) headers.Authorization = `Bearer ${this.#token}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    try {
      const response = await fetch(url, {
        method,
        headers,
        signal: AbortSignal.timeout(ANSWER_MS),
        cache: "no-store",
        ...(body !== undefined && { body: JSON.stringify(body) }),
      });
      if (response.ok && isOf(response, "application/json"))
        return (await response.json()) as Answer;
      throw await readProblem(response, url);
    } catch (error) {
      if (error instanceof SlotcastError) throw error;
      throw new SlotcastError({ code: "unreachable", message: String(error), retryable: true });
    }
  }
}

/** Whether one of the roles is an owner's, in all calendars or in any. */
export const isOwner = (roles: Roles, everywhere = false): boolean =>
  everywhere ? roles["*"] === "owner" : Object.values(roles).includes("owner");

/** Whether a role may change the calendar. */
export const mayChange = (roles: Roles, calendar: string): boolean =>
  [roles["*"], roles[calendar]].some((role) => role === "owner" || role === "staff");

/** Whether a role is of the calendar, or of all. */
export const mayRead = (roles: Roles, calendar: string): boolean =>
  (roles["*"] ?? roles[calendar]) !== undefined;
