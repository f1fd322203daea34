"""Server-sent events of one calendar: `GET /api/calendars/{id}/events`. An event's `id` is the cursor."""

from __future__ import annotations

from aiohttp import web

from realtime.engine import take_over
from realtime.http.api import calendar_of
from realtime.rooms.recovery import Joined, Wanted
from realtime.rooms.room import public_packet
from realtime.transports.event_stream import EventStream, event_stream, first_lines, named_event, stream_head
from realtime.transports.stream import StreamSubscriptions


def first_events(joined: Joined, wanted: Wanted) -> bytes:
    """Write the replay as single changes; or a snapshot, after a `reset` where the client had a cursor."""
    rows = joined.room.replica.replay(wanted.after) if wanted.after is not None else None
    if rows is not None:
        return event_stream(public_packet(rows))
    reset = named_event("reset", b'{"code":"cursor_gone"}') if wanted.after is not None else b""
    return reset + named_event("snapshot", b"{" + joined.body, joined.cursor)


class ServerSentEvents:
    """The handler of the route."""

    def __init__(self, subscriptions: StreamSubscriptions) -> None:
        self._subscriptions = subscriptions

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/api/calendars/{id}/events", self.events, allow_head=False)]

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Open a stream. EventSource's own `Last-Event-ID` is newer than the URL's `after`."""
        after = request.headers.get("Last-Event-ID") or request.query.get("after")
        identity, wanted = await self._subscriptions.read(request, after)
        stream = self._subscriptions.open(EventStream, request)
        subscriber, joined = await self._subscriptions.join(calendar_of(request), stream, identity, wanted)
        response = take_over(request, stream, stream_head(request, self._subscriptions))
        stream.put_reply(first_lines(request, stream, self._subscriptions.streams) + first_events(joined, wanted))
        self._subscriptions.keep(stream, stream, identity, lambda: joined.room.leave(subscriber))
        return response
