"""`/openapi.json` and `/asyncapi.json`: the server describes itself, from the types of its messages."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from aiohttp import web

from models.contract.changes import encode
from realtime.describe.asyncapi import asyncapi
from realtime.describe.openapi import openapi
from realtime.describe.schemas import Schema


@cache
def _encoded(describe: Callable[[], Schema]) -> bytes:
    """Made when first asked for: most servers are never asked."""
    return encode(describe())


def routes() -> list[web.RouteDef]:
    """Return the routes of the descriptions. Any page may read them: they have no data of this server."""
    return [_route("/openapi.json", openapi), _route("/asyncapi.json", asyncapi)]


def _route(path: str, describe: Callable[[], Schema]) -> web.RouteDef:
    async def document(_request: web.Request) -> web.Response:
        headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "public, max-age=300"}
        return web.Response(body=_encoded(describe), content_type="application/json", headers=headers)

    return web.get(path, document)
