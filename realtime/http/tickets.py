"""`POST /api/tickets`: a ticket in the URL takes the token's place where a client cannot send a header.

EventSource and a browser's WebSocket are such clients.
"""

from __future__ import annotations

from aiohttp import web

from models.contract.changes import encode
from models.contract.commands.calendars import Ticket
from models.contract.values.time import write_time
from realtime import protocol
from realtime.http.middleware import RequestGuard


class TicketApi:
    """The handler of the route."""

    def __init__(self, guard: RequestGuard) -> None:
        self._guard = guard

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/api/tickets", self.ticket)]

    async def ticket(self, request: web.Request) -> web.Response:
        """Issue a ticket for the calendars of the body, `{calendars}`."""
        fields = protocol.read(Ticket, await self._guard.body(request))
        ticket, ends_at = self._guard.ticket(request, frozenset(fields.calendars))
        body = encode({"ticket": ticket, "expires_at": write_time(ends_at)})
        return web.Response(body=body, content_type="application/json", headers={"Cache-Control": "no-store"})
