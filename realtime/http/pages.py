"""The built web client: three pages and their hashed assets, under a content security policy."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path

from aiohttp import web

from realtime.engine import is_handshake
from realtime.http.middleware import SOCKET
from realtime.http.problem import EVERY_ANSWER

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; style-src 'self'; script-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)
ELEMENT = "/slotcast-calendar.js"
_ELEMENT = re.compile(r"/slotcast-calendar(-[0-9a-f]+)?\.js(?:on)?")  # with its hash, and the file that names both
_TEN_MINUTES = "public, max-age=600, stale-while-revalidate=86400"
_YEAR = "public, max-age=31536000, immutable"
_PAGES = {
    "/": "index.html",
    "/c/{calendar}": "calendar.html",
    "/staff": "staff.html",
    "/staff/server": "server.html",
    "/docs": "docs.html",
    "/verify/{booking}": "verify.html",
}
_UNROUTED = {".html", ".gz", ".br"}  # aiohttp sends a file's compressed sibling to a client that takes it
_NOT_BUILT = "The web client is not built: run `make run`, or `npm ci && npm run build` in web/.\n"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Pages:
    """Serves the files of `folder`. Where the folder is missing the answer says how to build it.

    `open_socket` answers a WebSocket's handshake at `/`.
    """

    def __init__(self, folder: Path, open_socket: Handler) -> None:
        self._folder = folder
        self._open_socket = open_socket

    def routes(self) -> list[web.AbstractRouteDef]:
        routes: list[web.AbstractRouteDef] = [web.get(path, self._page(name)) for path, name in _PAGES.items()]
        folders = [name for name in ("assets", "docs") if (self._folder / name).is_dir()]
        routes += [web.static(f"/{name}", self._folder / name) for name in folders]
        routes += [
            web.get(f"/{file.name}", self._page(file.name))
            for file in self._folder.glob("*")
            if file.is_file() and not file.name.startswith(".") and file.suffix not in _UNROUTED
        ]
        return routes

    def _page(self, name: str) -> Handler:
        async def page(request: web.Request) -> web.StreamResponse:
            if request.path == SOCKET and is_handshake(request):
                return await self._open_socket(request)
            path = self._folder / name
            if not path.is_file():
                return web.Response(status=503, text=_NOT_BUILT)
            return web.FileResponse(path)

        return page


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add the headers of every response (aiohttp's on_response_prepare signal)."""
    headers = response.headers
    headers.update(EVERY_ANSWER)
    element = _ELEMENT.fullmatch(request.path)
    if element is not None and response.status < HTTPStatus.BAD_REQUEST:  # any page may load it, under COEP too
        headers["Access-Control-Allow-Origin"] = "*"
        headers["Cross-Origin-Resource-Policy"] = "cross-origin"
        headers["Cache-Control"] = _YEAR if element[1] else _TEN_MINUTES
    if request.path.startswith("/assets/"):
        if response.status < HTTPStatus.BAD_REQUEST:  # a missing one may come: a proxy must not keep its 404
            headers["Cache-Control"] = _YEAR
        headers["Access-Control-Allow-Origin"] = "*"  # an element of any origin loads its language there
        headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    elif response.content_type == "text/html":
        headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        headers["Cross-Origin-Opener-Policy"] = "same-origin"
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=()"
        headers["Cache-Control"] = "no-cache"
