"""The path under which a proxy serves Slotcast, as `/slots` in `https://example.org/slots/`.

A proxy may pass the path on or strip it. It is taken off a request before the routes see it, so both work. Pages find
their assets and the server by relative addresses, so only absolute addresses in answers need the path.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from aiohttp import web
from aiohttp.http_parser import RawRequestMessage
from yarl import URL

from realtime.engine import is_handshake

FORWARDED_PREFIX = "X-Forwarded-Prefix"
_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]+)+", re.ASCII)
_MOST_CHARACTERS = 200

MakeRequest = Callable[..., web.BaseRequest]


def read_base_path(text: str) -> str:
    """Return the path without its last slash; ValueError for anything that is no plain path."""
    path = text.rstrip("/")
    if path and (len(path) > _MOST_CHARACTERS or not _PATH.fullmatch(path) or {".", ".."} & set(path.split("/"))):
        raise ValueError(f"it must look like /slots, not {text!r}")
    return path


def prefix_of(request: web.BaseRequest) -> str:
    """Return the prefix that a proxy says it has stripped; none for a malformed one."""
    try:
        return read_base_path(request.headers.get(FORWARDED_PREFIX, "").strip())
    except ValueError:
        return ""


def stripping(base: str, make: MakeRequest) -> MakeRequest:
    """Return a factory of requests that takes the path off (aiohttp's `request_factory`)."""

    def make_stripped(message: RawRequestMessage, *rest: Any) -> web.BaseRequest:
        if message.path.startswith(f"{base}/"):
            path = f"/{message.path[len(base) :].lstrip('/')}"
            url = URL.build(path=path.partition("?")[0], query_string=message.url.raw_query_string, encoded=True)
            message = message._replace(path=path, url=url)
        return make(message, *rest)

    return make_stripped if base else make


def redirect_route(base: str, open_socket: Callable[[web.Request], Any]) -> list[web.RouteDef]:
    """Return the route of the path without its last slash: relative addresses need the slash, a WebSocket does not."""

    async def redirect(request: web.Request) -> web.StreamResponse:
        if is_handshake(request):
            response: web.StreamResponse = await open_socket(request)
            return response
        raise web.HTTPMovedPermanently(f"{base}/")

    return [web.get(base, redirect, allow_head=False)] if base else []
