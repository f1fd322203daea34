"""Server-sent events of many calendars: `GET /api/events?calendars=a,b,c`, each from a cursor of its own.

A browser opens six connections to a host. This stream is one of them, for every calendar of a page. The changes have no
`id`: they are encoded once for all clients. An event without data sets the `id` to the cursors of all calendars, after
the first events and before each heartbeat. A client that comes back by it gets a few seconds of changes again.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from aiohttp import web

from models.contract.changes import encode
from models.contract.commands.calendars import Unsubscribe
from models.contract.errors import BadRequest, Refused
from realtime import protocol
from realtime.access.auth import Identity
from realtime.engine import Counters, HandedOverResponse, Limits, take_over
from realtime.rooms.recovery import Joined, Wanted
from realtime.rooms.room import Room, public_packet
from realtime.rooms.subscriber import Subscriber
from realtime.transports.event_stream import EventStream, events_without_id, first_lines, named_event, stream_head
from realtime.transports.stream import MOST_SUBSCRIPTIONS, StreamSubscriptions, until_taken

_log = logging.getLogger("slotcast.events")


class ManyEventStream(EventStream):
    """The connection, and the cursor up to which each calendar's changes were written to it."""

    __slots__ = ("_cursors", "_joined", "_written")

    def __init__(self, limits: Limits, counters: Counters, address: str) -> None:
        super().__init__(limits, counters, address)
        self.format = events_without_id
        self._joined: dict[str, tuple[Subscriber, Room]] = {}
        self._cursors: dict[str, str] = {}
        self._written = b""

    def follow(self, subscriber: Subscriber, joined: Joined, wanted: Wanted) -> None:
        """Write the first events of a calendar that was joined in this step."""
        self._joined[subscriber.calendar] = (subscriber, joined.room)
        self._cursors[subscriber.calendar] = joined.cursor
        self.put_reply(first_events(subscriber.calendar, joined, wanted))

    def send_heartbeat(self) -> None:
        """Send the cursors if they have moved, else a comment."""
        for calendar, (_, room) in self._joined.items():
            if room.sent == room.replica.seq:  # else a write is under way, perhaps not to this connection yet
                self._cursors[calendar] = room.replica.cursor
        cursors = ",".join(f"{calendar}:{cursor}" for calendar, cursor in self._cursors.items()).encode()
        if cursors == self._written:
            super().send_heartbeat()
        else:
            self._written = cursors
            self.put(b"id: %b\n\n" % cursors)

    def leave(self) -> None:
        """Leave every calendar."""
        for subscriber, room in self._joined.values():
            room.leave(subscriber)
        self._joined.clear()


class ManyServerSentEvents:
    """The handler of the route."""

    def __init__(self, subscriptions: StreamSubscriptions) -> None:
        self._subscriptions = subscriptions

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/api/events", self.events, allow_head=False)]

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Open a stream of the calendars that the client may see; refuse it if it may see none of them."""
        query = request.query
        calendars = read_calendars(query.get("calendars", ""))
        after = read_cursors(request.headers.get("Last-Event-ID") or query.get("after", ""), calendars, "after")
        at_least = read_cursors(query.get("at_least", ""), calendars, "at_least")
        identity, window = await self._subscriptions.read(request, None, calendars)
        wanted = {
            name: window._replace(
                after=protocol.read_after(after.get(name)), at_least=protocol.read_after(at_least.get(name))
            )
            for name in calendars
        }
        stream = self._subscriptions.open(ManyEventStream, request)
        refused, first = await self._first(stream, identity, wanted)
        response = self._begin(request, stream, identity)
        for calendar, refusal in refused.items():
            stream.put(refused_event(calendar, refusal))
        stream.follow(*first)
        rest = calendars[calendars.index(first[0].calendar) + 1 :]
        await self._follow(stream, identity, {name: wanted[name] for name in rest})
        return response

    async def _first(
        self, stream: ManyEventStream, identity: Identity, wanted: Mapping[str, Wanted]
    ) -> tuple[dict[str, Refused], tuple[Subscriber, Joined, Wanted]]:
        """Join the first calendar that can be joined. Nothing else runs between that and the return."""
        refused: dict[str, Refused] = {}
        for calendar, one in wanted.items():
            try:
                return refused, (*await self._subscriptions.join(calendar, stream, identity, one), one)
            except Refused as refusal:
                refused[calendar] = refusal
        raise next(iter(refused.values()))

    def _begin(self, request: web.Request, stream: ManyEventStream, identity: Identity) -> HandedOverResponse:
        response = take_over(request, stream, stream_head(request, self._subscriptions))
        stream.put(first_lines(request, stream, self._subscriptions.streams))
        self._subscriptions.keep(stream, stream, identity, stream.leave)
        return response

    async def _follow(self, stream: ManyEventStream, identity: Identity, wanted: Mapping[str, Wanted]) -> None:
        """Join the other calendars, each after the client has taken the last snapshot."""
        for calendar, one in wanted.items():
            await until_taken(stream)
            try:
                subscriber, joined = await self._subscriptions.join(calendar, stream, identity, one)
            except Refused as refusal:
                stream.put(refused_event(calendar, refusal))
            except Exception:
                _log.exception("a stream cannot follow")
                stream.abort("internal")
            else:
                stream.follow(subscriber, joined, one)
            if not stream.is_open:
                stream.leave()
                return
        stream.send_heartbeat()


def read_calendars(text: str) -> list[str]:
    """Read the list of calendars, each once; BadRequest for no list, or one that is too long."""
    names = list(dict.fromkeys(text.split(",")))
    if not text or len(names) > MOST_SUBSCRIPTIONS:
        raise BadRequest(f"`calendars` is a list of 1 to {MOST_SUBSCRIPTIONS} ids, with commas.", field="calendars")
    return [protocol.read(Unsubscribe, {"calendar": name}).calendar for name in names]


def read_cursors(text: str, calendars: Sequence[str], field: str) -> dict[str, str]:
    """Read the cursors of a query or of the last event, `a:<cursor>,b:<cursor>`; other calendars have none."""
    cursors = dict(one.split(":", 1) for one in text.split(",") if ":" in one)
    if text and not cursors:
        raise BadRequest(f"`{field}` is a list of `<calendar>:<cursor>`, with commas.", field=field)
    return {name: cursor for name, cursor in cursors.items() if name in calendars}


def first_events(calendar: str, joined: Joined, wanted: Wanted) -> bytes:
    """Write the replay as single changes; or a snapshot, after a `reset` where the client had a cursor."""
    rows = joined.room.replica.replay(wanted.after) if wanted.after is not None else None
    if rows is not None:
        return events_without_id(public_packet(rows))
    gone = b'{"calendar":%b,"code":"cursor_gone"}' % encode(calendar)
    reset = named_event("reset", gone) if wanted.after is not None else b""
    return reset + named_event("snapshot", b"{" + joined.body)


def refused_event(calendar: str, refusal: Refused) -> bytes:
    """Write the refusal of one calendar."""
    return named_event("refused", encode({"calendar": calendar, "error": protocol.write_error(refusal)}))
