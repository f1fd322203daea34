"""Checks the query and headers of a request against its route. Unknown parameters and useless keys are refused."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware

from models.contract.errors import BadRequest
from realtime.http.routes import COMMANDS, READS

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PREVIEW = "preview"  # the one field of a command that a query may have
_SWITCHES = {"": False, "0": False, "false": False, "1": True, "true": True}
_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)
_ALLOWED: dict[tuple[str, str], frozenset[str]] = {
    **{(read.method, read.path): frozenset(read.query) for read in READS},
    **{(route.method, route.path): frozenset({PREVIEW} & set(route.command.__struct_fields__)) for route in COMMANDS},
}
_WITHOUT_KEY = {(read.method, read.path) for read in READS}


def check_query(request: web.Request) -> None:
    """Raise BadRequest for a parameter unknown to the route, and for a repeated one.

    Pages, their assets and Socket.IO are no routes of the table: links to pages may have parameters of others.
    """
    resource = request.match_info.route.resource
    method = hdrs.METH_GET if request.method == hdrs.METH_HEAD else request.method
    allowed = _ALLOWED.get((method, resource.canonical)) if resource is not None else None
    if allowed is None:
        return
    for name in request.query:
        if name not in allowed:
            raise BadRequest(f"There is no query parameter `{name[:64]}` here.", field=name[:64])
        if len(request.query.getall(name)) > 1:
            raise BadRequest(f"`{name}` comes twice in the query.", field=name)
    wants_beats(request)  # a stream reads it behind its head, where no refusal fits any more


def wants_beats(request: web.Request) -> bool:
    """Say if the client of a stream asks for beats; BadRequest for a `beat` that is not 1 or 0."""
    return read_switch(request.query.get("beat", ""), "beat")


def check_key(request: web.Request) -> None:
    """Raise BadRequest for a key that would be ignored: the request can be repeated without one."""
    resource = request.match_info.route.resource
    if resource is not None and (request.method, resource.canonical) in _WITHOUT_KEY:
        raise BadRequest(
            "This request takes no `Idempotency-Key`: it can be sent again as it is.", field="Idempotency-Key"
        )


def read_switch(text: str, name: str) -> bool:
    """Read a parameter, 1 or 0; BadRequest for anything else."""
    if text not in _SWITCHES:
        raise BadRequest(f"`{name}` is 1 or 0.", field=name)
    return _SWITCHES[text]


def read_number(text: str, name: str) -> int:
    """Read a whole number; BadRequest for anything else."""
    if not _NUMBER.fullmatch(text):
        raise BadRequest(f"`{name}` is a number.", field=name)
    return int(text)


def checks_query() -> Middleware:
    """Return the middleware."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.query_string:
            check_query(request)
        if "Idempotency-Key" in request.headers:
            check_key(request)
        return await handler(request)

    return check
