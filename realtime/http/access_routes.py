"""The table of the HTTP routes of accounts, sessions, tokens and private links."""

from __future__ import annotations

from http import HTTPStatus

from models.contract.commands.access import (
    CreateAccount,
    CreateToken,
    DeleteAccount,
    GetSession,
    ListAccounts,
    ListLinks,
    ListTokens,
    RevokeLink,
    RevokeToken,
    SetPassword,
    SignIn,
    SignOut,
    UpdateAccount,
)
from models.contract.request import Request
from realtime.http.read_route import ReadRoute


def _route(
    method: str, path: str, request: type[Request], subject: str = "", *, takes_body: bool = False, status: int = 200
) -> ReadRoute:
    wire = request.wire
    mark = f" For {AUDIENCES[wire.role]}." if wire.role else ""
    return ReadRoute(
        method,
        path,
        wire.summary + mark,
        shape=wire.answers[0],
        status=status,
        request=request,
        subject=subject,
        takes_body=takes_body,
    )


AUDIENCES = ("anyone", "viewers", "staff", "owners")
_CREATED = HTTPStatus.CREATED.value

SESSION: tuple[ReadRoute, ...] = (
    _route("POST", "/api/session", SignIn, takes_body=True, status=_CREATED),
    _route("GET", "/api/session", GetSession),
    _route("DELETE", "/api/session", SignOut),
    _route("POST", "/api/session/password", SetPassword, takes_body=True),
)
ACCESS: tuple[ReadRoute, ...] = (
    _route("GET", "/api/accounts", ListAccounts),
    _route("POST", "/api/accounts", CreateAccount, takes_body=True, status=_CREATED),
    _route("PATCH", "/api/accounts/{id}", UpdateAccount, "account", takes_body=True),
    _route("DELETE", "/api/accounts/{id}", DeleteAccount, "account"),
    _route("GET", "/api/tokens", ListTokens),
    _route("POST", "/api/tokens", CreateToken, takes_body=True, status=_CREATED),
    _route("DELETE", "/api/tokens/{id}", RevokeToken, "token"),
    _route("GET", "/api/calendars/{id}/links", ListLinks, "calendar"),
    _route("DELETE", "/api/links/{id}", RevokeLink, "link"),
)
