"""The Socket.IO namespace of an edge: subscriptions are its own, and every other request goes to the core."""

from __future__ import annotations

from typing import Any

from models.contract.errors import BadRequest, Forbidden
from realtime import protocol
from realtime.access.auth import Identity
from realtime.access.rate_limit import check
from realtime.edge.passage import ROUTES, Passage
from realtime.transports.socketio import CalendarNamespace


class EdgeNamespace(CalendarNamespace):
    """`/calendars` without a secret: a token is kept for the core, and the client watches as a guest."""

    passage: Passage

    def __init__(self, *args: Any, passage: Passage, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.passage = passage
        self._tokens: dict[str, str] = {}

    def on_connect(self, sid: str, environ: dict[str, Any], auth: Any = None) -> None:
        super().on_connect(sid, environ, auth)
        token = auth.get("token") if isinstance(auth, dict) else None
        if isinstance(token, str) and token:
            self._tokens[sid] = token

    def on_disconnect(self, sid: str) -> None:
        self._tokens.pop(sid, None)
        super().on_disconnect(sid)

    def _identify(self, auth: Any, address: str, session: str = "") -> Identity:  # noqa: ARG002 - of a cookie
        """Return a guest: only the core knows what a token or a session is worth."""
        token = auth.get("token") if isinstance(auth, dict) else None
        super()._identify({"token": token} if token is not None and not isinstance(token, str) else None, address)
        return self._auth.identify(None, address)

    async def on_request(self, sid: str, name: str, fields: list[Any] | str, received: int) -> bytes:
        """Return the ack of one request: the core's, unless it concerns the client's connection."""
        if name == "auth.refresh":
            ack = await super().on_request(sid, name, fields, received)
            assert isinstance(fields, list)
            self._tokens[sid] = fields[0]["token"]
            return ack
        if name not in ROUTES or isinstance(fields, str) or len(fields) > 1:
            return await super().on_request(sid, name, fields, received)
        session = self._rooms.sessions.get(sid)
        if session is None:
            raise Forbidden("The connection is closing.")
        budget = session.connection.budget
        check(budget.request() if budget is not None else 0)
        given = fields[0] if fields else {}
        protocol.read_request(name, given)  # refuses what the core would refuse
        if not isinstance(given, dict):
            raise BadRequest("A request has one argument, a JSON object.")
        address = session.connection.address
        ack, calendar, seq = await self.passage.ask(name, given, self._tokens.get(sid, ""), address)
        if seq:
            await self._dispatcher.settled(calendar, seq)
        return ack
