"""Requests about accounts, sessions, tokens and private links. They go over HTTP only, which has cookies."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from models.contract import access_answers as answers
from models.contract.answers import LinkAnswer
from models.contract.principal import Role
from models.contract.request import Id, Request, Slug, Wire

Password = Annotated[str, Meta(min_length=8, max_length=256)]
AccountName = Annotated[str, Meta(min_length=1, max_length=64)]
GrantedCalendar = Annotated[str, Meta(pattern=r"^(\*|[a-z0-9][a-z0-9-]{0,62})$", max_length=63)]
Roles = Annotated[dict[GrantedCalendar, Literal["owner", "staff", "viewer"]], Meta(min_length=1, max_length=200)]
LONGEST_TOKEN_SECONDS = 366 * 86_400


def _http(name: str, summary: str, answer: type[Struct], role: Role = Role.GUEST) -> Wire:
    return Wire(name, summary, (answer,), role, is_http_only=True)


class SignIn(Request, frozen=True, kw_only=True):
    wire = _http("session.create", "Signs in with an account, and sets the session's cookie.", answers.SessionAnswer)

    name: Annotated[str, Meta(max_length=200)]
    password: Annotated[str, Meta(max_length=256)]


class GetSession(Request, frozen=True, kw_only=True):
    wire = _http("session.get", "Tells who the caller is.", answers.SessionAnswer)


class SignOut(Request, frozen=True, kw_only=True):
    wire = _http("session.end", "Signs out: ends the session and its connections.", answers.SessionAnswer)


class SetPassword(Request, frozen=True, kw_only=True):
    """Ends the other sessions of the account."""

    wire = _http("session.password", "Changes the password of the caller's account.", answers.AccountAnswer)

    password: Annotated[str, Meta(max_length=256)]
    new_password: Password


class ListAccounts(Request, frozen=True, kw_only=True):
    wire = _http("account.list", "Lists the accounts of staff.", answers.AccountsAnswer, Role.OWNER)


class CreateAccount(Request, frozen=True, kw_only=True):
    """An owner of some calendars gives roles in these only."""

    wire = _http("account.create", "Makes an account with a role in each calendar.", answers.AccountAnswer, Role.OWNER)

    name: AccountName
    password: Password
    roles: Roles


class UpdateAccount(Request, frozen=True, kw_only=True):
    """A new password, and `disabled`, end the account's sessions."""

    wire = _http("account.update", "Changes an account: name, password, roles.", answers.AccountAnswer, Role.OWNER)

    account: Id
    name: AccountName | UnsetType = UNSET
    password: Password | UnsetType = UNSET
    roles: Roles | UnsetType = UNSET
    disabled: bool | UnsetType = UNSET


class DeleteAccount(Request, frozen=True, kw_only=True):
    wire = _http("account.remove", "Removes an account and ends its sessions.", answers.AccountAnswer, Role.OWNER)

    account: Id


class ListTokens(Request, frozen=True, kw_only=True):
    wire = _http(
        "token.list", "Lists the tokens with a role that were used or made here.", answers.TokensAnswer, Role.OWNER
    )


class CreateToken(Request, frozen=True, kw_only=True):
    """An owner of some calendars gives roles in these only. Without `lifetime_seconds` the token lasts 30 days."""

    wire = _http("token.create", "Makes a token for a program or a person.", LinkAnswer, Role.OWNER)

    subject: AccountName
    role: Literal["owner", "staff", "viewer"]
    calendars: Annotated[tuple[GrantedCalendar, ...], Meta(min_length=1, max_length=200)]
    lifetime_seconds: Annotated[int, Meta(ge=60, le=LONGEST_TOKEN_SECONDS)] = 30 * 86_400


class RevokeToken(Request, frozen=True, kw_only=True):
    wire = _http("token.revoke", "Revokes a token; its connections end at once.", answers.RevokedAnswer, Role.OWNER)

    token: Id


class ListLinks(Request, frozen=True, kw_only=True):
    wire = _http("link.list", "Lists the calendar's private links.", answers.LinksAnswer, Role.VIEWER)

    calendar: Slug


class RevokeLink(Request, frozen=True, kw_only=True):
    wire = _http(
        "link.revoke", "Revokes a private link; its connections end at once.", answers.RevokedAnswer, Role.STAFF
    )

    link: Id
