"""The rooms of an edge: each one follows its calendar at the core by one stream, for all of its watchers."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Mapping
from urllib.parse import quote

import aiohttp
import msgspec
from msgspec import Raw, Struct

from models.contract.changes import Cursor
from realtime.async_service import AsyncService
from realtime.edge.upstream import Upstream, logged, logged_rows
from realtime.reads.read_queue import Lane
from realtime.rooms.dispatcher import Dispatcher
from realtime.rooms.replica.replica import Replica
from realtime.rooms.room import Room
from realtime.rooms.subscriber import Audience, SocketIoRooms

PING_SECONDS = 5.0  # a core without an answer for half of it more has frozen
OPEN_SECONDS = 15.0  # for the answer to a handshake, while thousands of streams open at once
LONGEST_RETRY_SECONDS = 2.0

# A stream may end at any byte, also before its first message, where aiohttp raises a TypeError.
_ENDS = (aiohttp.ClientError, aiohttp.WSMessageTypeError, OSError, TimeoutError, msgspec.MsgspecError)

_log = logging.getLogger("slotcast.edge")


class _First(Struct):
    """The core's answer to a stream that resumes; a snapshot has no changes."""

    mode: str
    changes: list[Raw] = []


_first = msgspec.json.Decoder(_First)


class _Ended(Exception):
    """The core does not go on from the cursor: the history was replaced, or the calendar is not public any more."""


class EdgeRooms(Dispatcher):
    """The rooms, with their streams. A room keeps what it has while the core is away."""

    def __init__(
        self,
        service: AsyncService,
        socketio: Mapping[Audience, SocketIoRooms],
        *,
        upstream: Upstream,
        max_room_bytes: int,
    ) -> None:
        super().__init__(service, socketio, max_room_bytes=max_room_bytes)
        self._upstream = upstream
        self._streams: dict[str, asyncio.Task[None]] = {}
        self._session: aiohttp.ClientSession | None = None
        self.connected = 0  # streams that are open now

    async def close(self) -> None:
        for stream in self._streams.values():
            stream.cancel()
        await asyncio.gather(*self._streams.values(), return_exceptions=True)
        if self._session is not None:
            await self._session.close()
        await super().close()

    @property
    def is_following(self) -> bool:
        """Whether the stream of every room is open."""
        return self.connected >= len(self._streams)

    async def room_at(self, calendar: str, after: Cursor | None, at_least: Cursor | None = None) -> Room:
        """Return the calendar's room as the dispatcher does. Changes before its tail come from the core."""
        if after is not None:
            room = await self.room(calendar)
            if room.replica.lacks(after):
                await self._fetch(room, after)
        return await super().room_at(calendar, after, at_least)

    async def _fetch(self, room: Room, after: Cursor) -> None:
        """Put the changes after the cursor before the room's tail."""
        room.replica.pin()
        rows = await self._service.read(
            self._upstream.changes_after, room.calendar, after, lane=Lane.HEAVY, key=("page", room.calendar, after)
        )
        if rows:
            room.replica.extend(rows)
            room.replica.is_tail_whole = False  # a client with an older cursor needs more

    def _add(self, replica: Replica) -> Room:
        room = super()._add(replica)
        self._streams[room.calendar] = asyncio.create_task(self._follow(room), name=f"edge {room.calendar}")
        return room

    def _forget(self, room: Room) -> None:
        super()._forget(room)
        if (stream := self._streams.pop(room.calendar, None)) is not None:
            stream.cancel()

    async def _follow(self, room: Room) -> None:
        """Follow the calendar until the room is closed. A stream that ends is opened again, by the cursor."""
        while self.rooms.get(room.calendar) is room:
            try:
                await self._stream(room)
            except _Ended:
                self._disband(room)
                return
            except _ENDS as error:
                _log.info("The core's stream of a calendar ended: %r", error)
            except Exception:  # else the room's watchers would never get a change again
                _log.exception("The core's stream of a calendar failed")
            await asyncio.sleep(random.uniform(0, LONGEST_RETRY_SECONDS))  # noqa: S311 - a pause

    async def _stream(self, room: Room) -> None:
        """Take the changes of one stream, from its beginning to its end."""
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        url = f"{self._upstream.url}/api/calendars/{quote(room.calendar, safe='')}/socket"
        last = room.fetched
        try:
            async with asyncio.timeout(OPEN_SECONDS):
                socket = await self._session.ws_connect(
                    url, params={"after": f"{last.seq}.{last.nonce}"}, heartbeat=PING_SECONDS, max_msg_size=0
                )
        except aiohttp.WSServerHandshakeError as error:
            if error.status in {401, 403, 404}:
                raise _Ended from error
            raise
        async with socket:
            first = _first.decode(await socket.receive_str())
            if first.mode != "resumed":
                raise _Ended
            rows = logged_rows(first.changes, last)
            self.connected += 1
            try:
                self.on_rows(rows)
                last = Cursor(rows[-1].seq, rows[-1].nonce) if rows else last
                async for message in socket:
                    row = logged(str(message.data).encode(), last)
                    last = Cursor(row.seq, row.nonce)
                    self.on_rows([row])
                    if self.rooms.get(room.calendar) is not room:  # the change did not follow
                        return
            finally:
                self.connected -= 1

    def _disband(self, room: Room) -> None:
        if self._streams.get(room.calendar) is asyncio.current_task():
            del self._streams[room.calendar]  # it ends by itself
        super()._disband(room)
