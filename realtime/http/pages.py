"""The built web client: three pages and their hashed assets, under a content security policy."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import web

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; style-src 'self'; script-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'self'"
)
ELEMENT = "/slotcast-calendar.js"
_YEAR = "public, max-age=31536000, immutable"
_PAGES = {"/": "index.html", "/c/{calendar}": "calendar.html", "/staff": "staff.html"}
_NOT_BUILT = "The web client is not built: run `make run`, or `npm ci && npm run build` in web/.\n"


class Pages:
    """Serves the files of `folder`. Where the folder is missing the answer says how to build it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def routes(self) -> list[web.AbstractRouteDef]:
        routes: list[web.AbstractRouteDef] = [web.get(path, self._page(name)) for path, name in _PAGES.items()]
        if (self._folder / "assets").is_dir():
            routes.append(web.static("/assets", self._folder / "assets"))
        routes += [
            web.get(f"/{file.name}", self._page(file.name))
            for file in self._folder.glob("*")
            if file.is_file() and not file.name.startswith(".") and file.suffix != ".html"
        ]
        return routes

    def _page(self, name: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
        async def page(_request: web.Request) -> web.StreamResponse:
            path = self._folder / name
            if not path.is_file():
                return web.Response(status=503, text=_NOT_BUILT)
            return web.FileResponse(path)

        return page


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Add the headers of every response (aiohttp's on_response_prepare signal)."""
    headers = response.headers
    headers["Server"] = "Slotcast"
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "no-referrer")
    if request.path == ELEMENT:  # pages of any origin load it, under COEP too
        headers["Access-Control-Allow-Origin"] = "*"
        headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    if request.path.startswith("/assets/"):
        headers["Cache-Control"] = _YEAR
    elif response.content_type == "text/html":
        headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
        headers["Cache-Control"] = "no-cache"
