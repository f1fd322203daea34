"""The handlers of accounts, sessions, tokens and private links. Signing in sets the session's cookie."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from models.contract.changes import encode
from models.contract.commands.access import GetSession, SetPassword, SignIn
from models.contract.errors import BadRequest
from realtime import protocol
from realtime.access.session_cookie import SessionCookie
from realtime.http.access_routes import ACCESS
from realtime.http.middleware import RequestGuard
from realtime.http.read_route import ReadRoute
from realtime.requests.access_handler import AccessHandler
from realtime.requests.session_handler import SessionHandler

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class AccessApi:
    """The handlers. An application adds `routes`."""

    def __init__(self, guard: RequestGuard, handler: AccessHandler, sessions: SessionHandler) -> None:
        self._guard = guard
        self._handler = handler
        self._sessions = sessions

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/api/session", self.sign_in),
            web.get("/api/session", self.session),
            web.delete("/api/session", self.sign_out),
            web.post("/api/session/password", self.set_password),
            *(web.route(route.method, route.path, self._answer(route)) for route in ACCESS),
        ]

    def _answer(self, route: ReadRoute) -> Handler:
        kind, subject = route.request, route.subject
        assert kind is not None

        async def answer(request: web.Request) -> web.Response:
            self._guard.count(request)
            identity = self._guard.identity(request)
            fields = await self._guard.body(request) if route.takes_body else {}
            if subject:
                named = request.match_info["id"]
                if fields.setdefault(subject, named) != named:
                    raise BadRequest(f"The body's `{subject}` is not the one of the request.", field=subject)
            return _json(await self._handler.answer(protocol.read(kind, fields), identity), route.status)

        return answer

    async def sign_in(self, request: web.Request) -> web.Response:
        """Open a session and set its cookie. The request must come from a page of this server, or from a program."""
        self._guard.count(request)
        asked = protocol.read(SignIn, await self._guard.body(request))
        opened = await self._sessions.sign_in(asked, self._guard.address_of(request))
        is_secure = self._guard.is_secure(request)
        identity = self._guard.identify_session(request, opened.secret)
        response = _json(await self._sessions.session(identity), 201)
        SessionCookie.write(response, opened.secret, opened.seconds, is_secure=is_secure)
        return response

    async def session(self, request: web.Request) -> web.Response:
        """Answer who the caller is."""
        self._guard.count(request)
        protocol.read(GetSession, {})
        return _json(await self._sessions.session(self._guard.identity(request)))

    async def set_password(self, request: web.Request) -> web.Response:
        """Change the password of the session's account."""
        self._guard.count(request)
        identity = self._guard.identity(request)
        asked = protocol.read(SetPassword, await self._guard.body(request))
        return _json(await self._sessions.set_password(asked, identity))

    async def sign_out(self, request: web.Request) -> web.Response:
        """End the session and take the cookie away."""
        self._guard.count(request)
        await self._sessions.sign_out(self._guard.identity(request))
        nobody = self._guard.nobody(request)
        response = _json(await self._sessions.session(nobody))
        SessionCookie.write(response, "", 0, is_secure=self._guard.is_secure(request))
        return response


def _json(fields: dict[str, Any], status: int = 200) -> web.Response:
    headers = {"Cache-Control": "no-store"}
    return web.Response(status=status, body=encode(fields), content_type="application/json", headers=headers)
