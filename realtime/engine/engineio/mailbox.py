"""What waits for a polling client's next poll. Such a connection has only this queue."""

import asyncio

from realtime.engine.socketio.packet import SEPARATOR


class Mailbox:
    """Engine.IO packets as polling text, and who is waiting for them."""

    __slots__ = (
        "_chunks",
        "_waiter",
        "is_ended",
        "is_polled",
        "is_posted",
        "is_upgrading",
        "queued_bytes",
        "transport",
    )

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._waiter: asyncio.Future[None] | None = None
        self.queued_bytes = 0
        self.transport: asyncio.Transport | None = None  # of the poll that is being answered
        self.is_polled = False
        self.is_posted = False
        self.is_upgrading = False
        self.is_ended = False

    def put(self, text: bytes) -> None:
        """Add packets for the next poll, and answer the one that waits."""
        self._chunks.append(text)
        self.queued_bytes += len(text)
        self.wake()

    def end(self, last: bytes) -> None:
        """The session is over: the poll that waits gets the rest and this packet, or an error if there is neither."""
        self.is_ended = True
        if last:
            self.put(last)
        else:
            self.wake()

    def cut(self) -> None:
        """Give up on a poll that takes its answer too slowly."""
        if self.transport is not None:
            self.transport.abort()

    def wake(self) -> None:
        """Answer the poll that waits, with nothing if there is nothing."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def take(self, most: int = 0) -> bytes:
        """The first `most` packets as one payload, or everything."""
        payload = SEPARATOR.join(self._chunks)
        self._chunks.clear()
        if most and payload.count(SEPARATOR) >= most:
            *packets, rest = payload.split(SEPARATOR, most)
            self._chunks.append(rest)
            payload = SEPARATOR.join(packets)
        self.queued_bytes = sum(map(len, self._chunks))
        return payload

    async def wait(self) -> None:
        """Until there is something to answer a poll with."""
        if self._chunks or self.is_upgrading or self.is_ended:
            return
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
