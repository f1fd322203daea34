"""Long poll: `GET /api/calendars/{id}/changes`, for clients that cannot hold a connection open.

It starts from the same cursor as the other transports, reads the same room, and grants the same rights.
"""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from models.contract.changes import Logged, encode
from models.contract.errors import BadRequest, CursorGone, Unauthorized
from models.contract.values.time import Clock, write_time
from realtime import protocol
from realtime.access.auth import Expiry
from realtime.access.visibility import hiding
from realtime.async_service import AsyncService
from realtime.http.api import calendar_of
from realtime.http.middleware import RequestGuard
from realtime.reads.read_queue import Lane
from realtime.rooms.dispatcher import Dispatcher
from realtime.rooms.replica.replica import Replica
from realtime.transports.stream import Streams

LONGEST_WAIT_SECONDS = 60.0
CHANGES_A_POLL = 500
# After an outage many clients ask for the same full pages. They never change but for `more` and the server's time.
_CACHED = "public, max-age=60"
_NOT_CACHED = {"Cache-Control": "no-store"}
_TIMER_SECONDS = 0.01  # a timer may be early by so much


class LongPoll:
    """The handler of the route."""

    def __init__(
        self,
        *,
        guard: RequestGuard,
        service: AsyncService,
        dispatcher: Dispatcher,
        streams: Streams,
        clock: Clock,
    ) -> None:
        self._guard = guard
        self._service = service
        self._dispatcher = dispatcher
        self._streams = streams
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/api/calendars/{id}/changes", self.changes)]

    async def changes(self, request: web.Request) -> web.Response:
        """Answer the changes after the cursor, or wait for the next one, or answer none after `wait` seconds."""
        self._guard.count(request)
        identity = await self._guard.follower(request)
        principal, query = identity.principal, request.query
        after, wait = protocol.read_after(query.get("after")), read_wait(query.get("wait", "0"))
        calendar = calendar_of(request)
        with hiding(calendar, principal):
            room = await self._dispatcher.room_at(calendar, after, protocol.read_after(query.get("at_least")))
        room.check_view(principal)
        if after is not None and wait and room.replica.replay(after) == ():
            seconds = min(wait, identity.seconds_left + _TIMER_SECONDS)
            async with self._streams.polling(seconds, request.transport) as end:
                expiry = Expiry(end)
                expiry.set(identity)
                try:
                    await room.reached(after.seq + 1)
                finally:
                    expiry.cancel()
            if identity.is_ended:
                raise Unauthorized("The token has ended.")
            room.check_view(principal)
        rows = () if after is None else room.replica.replay(after)
        if rows is None and after is not None:  # further back than a replay: the log has it by pages
            read_page = self._service.sync.changes_after
            rows = await self._service.read(read_page, calendar, after, lane=Lane.HEAVY, key=("page", calendar, after))
            room.check_view(principal)
        if rows is None:
            raise CursorGone
        page = rows[:CHANGES_A_POLL]
        is_for_all = len(page) == CHANGES_A_POLL and not principal.subject and room.replica.info.visibility == "public"
        caching = {"Cache-Control": _CACHED, "Vary": "Authorization, Cookie"} if is_for_all else _NOT_CACHED
        return web.Response(body=self._write(room.replica, page), content_type="application/json", headers=caching)

    def _write(self, replica: Replica, page: Sequence[Logged]) -> bytes:
        seq, cursor = (page[-1].seq, page[-1].cursor) if page else (replica.seq, replica.cursor)
        return b'{"changes":[%b],"seq":%d,"cursor":%b,"more":%b,"server_time":%b}' % (
            b",".join([row.body for row in page]),
            seq,
            encode(cursor),
            encode(seq < replica.seq),
            encode(write_time(self._clock())),
        )


def read_wait(text: str) -> float:
    """Read the seconds to wait, 0 to 60; BadRequest for anything else."""
    try:
        wait = float(text)
    except ValueError:
        wait = -1.0
    if not 0 <= wait <= LONGEST_WAIT_SECONDS:
        raise BadRequest("`wait` is 0 to 60 seconds.", field="wait")
    return wait
