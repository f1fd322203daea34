"""The answers to the requests about accounts, sessions, tokens and private links."""

from __future__ import annotations

from msgspec import UNSET, Struct, UnsetType


class Account(Struct, kw_only=True):
    """An account of staff. `roles` has the role in each calendar; `*` stands for every calendar."""

    id: str
    name: str
    roles: dict[str, str]
    created_at: str
    disabled: bool


class AccountAnswer(Struct, kw_only=True):
    account: Account


class AccountsAnswer(Struct, kw_only=True):
    accounts: list[Account]


class Credential(Struct, kw_only=True):
    """A session, a token or a private link. Nobody can read its secret again. A guest's link has no role, "".

    `made_by` is the account or the `sub` that has made it; it is empty where another program has.
    """

    id: str
    subject: str
    roles: dict[str, str]
    made_by: str
    made_at: str
    expires_at: str | None
    used_at: str | None
    revoked_at: str | None


class TokensAnswer(Struct, kw_only=True):
    tokens: list[Credential]


class LinksAnswer(Struct, kw_only=True):
    links: list[Credential]


class RevokedAnswer(Struct, kw_only=True):
    revoked: str


class Session(Struct, kw_only=True):
    """The caller as the server knows it. `account` is absent for a token."""

    subject: str
    roles: dict[str, str]
    account: str | UnsetType = UNSET
    expires_at: str | None = None


class SessionAnswer(Struct, kw_only=True):
    """`session` is null without a session and without a token. `has_accounts` says if there is any account."""

    session: Session | None
    has_accounts: bool
