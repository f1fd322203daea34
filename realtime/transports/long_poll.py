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
from realtime.access.visibility import hiding
from realtime.async_service import AsyncService
from realtime.http.api import calendar_of
from realtime.http.middleware import RequestGuard
from realtime.reads.read_queue import Lane
from realtime.rooms.dispatcher import Dispatcher
from realtime.rooms.recovery import check_view
from realtime.rooms.replica import Replica
from realtime.transports.stream import Streams

LONGEST_WAIT_SECONDS = 60.0
CHANGES_A_POLL = 500
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
        check_view(principal, room)
        if after is not None and wait and room.replica.replay(after) == ():
            seconds = min(wait, identity.seconds_left + _TIMER_SECONDS)
            async with self._streams.polling(seconds, request.transport):
                await room.reached(after.seq + 1)
            if identity.seconds_left <= 0:
                raise Unauthorized("The token has ended.")
            check_view(principal, room)
        rows = () if after is None else room.replica.replay(after)
        if rows is None and after is not None:  # further back than a replay: the log has it by pages
            read_page = self._service.sync.changes_after
            rows = await self._service.read(read_page, calendar, after, lane=Lane.HEAVY, key=("page", calendar, after))
            check_view(principal, room)
        if rows is None:
            raise CursorGone
        body = self._write(room.replica, rows)
        return web.Response(body=body, content_type="application/json", headers={"Cache-Control": "no-store"})

    def _write(self, replica: Replica, rows: Sequence[Logged]) -> bytes:
        page = rows[:CHANGES_A_POLL]
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
