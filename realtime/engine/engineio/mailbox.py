"""Keeps the packets of a polling client until its next poll."""

import asyncio
from typing import Final

SEPARATOR: Final = b"\x1e"  # between two packets of one polling payload
NO_POLL: Final = ("", b"")


class Mailbox:
    """The waiting Engine.IO packets as polling text, and the poll that waits for them.

    `answered` is the last poll, by its parameter `t`, with its answer.
    """

    __slots__ = (
        "_chunks",
        "_waiter",
        "answered",
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
        self.answered = NO_POLL
        self.transport: asyncio.Transport | None = None  # of the poll that is being answered
        self.is_polled = False
        self.is_posted = False
        self.is_upgrading = False
        self.is_ended = False

    def put(self, text: bytes) -> None:
        """Add packets for the next poll, and wake the waiting poll."""
        self._chunks.append(text)
        self.queued_bytes += len(text)
        self.wake()

    def end(self, last: bytes) -> None:
        """End the session. The waiting poll gets the rest and `last`, or an error if both are empty."""
        self.is_ended = True
        if last:
            self.put(last)
        else:
            self.wake()

    def cut(self) -> None:
        """Abort a poll that reads its answer too slowly."""
        if self.transport is not None:
            self.transport.abort()

    def wake(self) -> None:
        """Wake the waiting poll; its answer may be empty."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def take(self, most: int = 0) -> bytes:
        """Take the first `most` packets as one payload. With 0 take all."""
        payload = SEPARATOR.join(self._chunks)
        self._chunks.clear()
        if most and payload.count(SEPARATOR) >= most:
            *packets, rest = payload.split(SEPARATOR, most)
            self._chunks.append(rest)
            payload = SEPARATOR.join(packets)
        self.queued_bytes = sum(map(len, self._chunks))
        return payload

    async def wait(self) -> None:
        """Wait until a poll can be answered."""
        if self._chunks or self.is_upgrading or self.is_ended:
            return
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
