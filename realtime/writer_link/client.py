"""A worker's end of its link to the writer's process.

The writer may die and be started again. Commands with a key are then sent once more, since their idempotency records
make that safe. A command without a key may have been done, so its caller is told. No caller waits for ever.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import cast

from models.contract.changes import Logged
from models.contract.commands.command import Command
from models.contract.errors import Overloaded, Refused
from models.service import Reply, WriterState
from realtime.background_task import end_tasks
from realtime.writer_link.codec import (
    BrokenLink,
    FrameReader,
    Kind,
    decode_outcomes,
    decode_rows,
    decode_state,
    encode_command,
    frames,
)

PATIENCE_SECONDS = 10.0  # without a writer, before commands are refused
CONNECT_SECONDS = 0.05  # between two tries to connect
CLOSE_SECONDS = 10.0
TRIES = 3  # of a command: one that ends the writer each time must not go on for ever

UNKNOWN = "The writer has started again. The request may or may not have been done."
ABSENT = "The writer does not answer."

_log = logging.getLogger("slotcast.writer_link")


class _Asked:
    """A command without an answer yet."""

    __slots__ = ("has_key", "message", "reply", "tries")

    def __init__(self, message: bytes, reply: Reply, *, has_key: bool) -> None:
        self.message = message
        self.reply = reply
        self.has_key = has_key
        self.tries = 0


class WriterLink:
    """The link of the worker with this number, one of so many. All methods are for the loop's thread.

    `on_rows` gets the rows of every commit, before the answers of their commands. `on_look` is called where the log may
    have more rows than were sent. `on_end` is called after replies, and `on_state` with the writer's state.
    """

    def __init__(self, path: Path, number: int, workers: int) -> None:
        self.number = number
        self.workers = workers
        self.on_state: Callable[[WriterState], None] = lambda _state: None
        self.on_rows: Callable[[list[Logged]], None] = lambda _rows: None
        self.on_look: Callable[[], None] = lambda: None
        self.on_end: Callable[[], None] = lambda: None
        self._path = path
        self._asked: dict[int, _Asked] = {}
        self._number = 0
        self._unsent: list[_Asked] = []
        self._transport: asyncio.Transport | None = None
        self._is_absent = False
        self._task: asyncio.Task[None] | None = None
        self._answered: asyncio.Event | None = None  # set once nothing is under way, while it closes

    def start(self) -> None:
        self._task = asyncio.create_task(self._connect(), name="writer-link")

    @property
    def queued(self) -> int:
        """Return the number of this worker's commands without an answer."""
        return len(self._asked)

    @property
    def is_connected(self) -> bool:
        return self._transport is not None

    def submit(self, command: Command, reply: Reply, _arrived: float | None = None) -> None:
        """Send the command. `reply` is called with its outcome, before `on_end`. The writer's process lets all wait."""
        try:
            if self._is_absent:
                raise Overloaded(ABSENT)
            message = encode_command(self._number, command)
        except Refused as refusal:
            reply(refusal)
            self.on_end()
            return
        asked = self._asked[self._number] = _Asked(message, reply, has_key=bool(command.key))
        self._number += 1
        if self._transport is not None:
            if not self._unsent:
                asyncio.get_running_loop().call_soon(self._flush)
            self._unsent.append(asked)

    def _flush(self) -> None:
        """Send all commands of one turn of the loop by one write."""
        unsent, self._unsent = self._unsent, []
        if unsent and self._transport is not None:
            for asked in unsent:
                asked.tries += 1
            self._transport.write(frames(Kind.COMMANDS, [asked.message for asked in unsent]))

    async def close(self) -> None:
        """Wait for the answers of the commands under way, and close."""
        if self._asked:
            self._answered = asyncio.Event()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._answered.wait(), CLOSE_SECONDS)
        await end_tasks([self._task])
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()
        self._refuse(list(self._asked), ABSENT)

    # The connection

    async def _connect(self) -> None:
        """Connect, and again after each loss. Without a writer for too long, refuse what waits."""
        loop = asyncio.get_running_loop()
        patience = loop.call_later(PATIENCE_SECONDS, self._give_up)
        try:
            while True:
                ended: asyncio.Future[None] = loop.create_future()
                try:
                    transport, _ = await loop.create_unix_connection(lambda: _Protocol(self, ended), str(self._path))  # noqa: B023 - made at once
                except OSError:
                    await asyncio.sleep(CONNECT_SECONDS)
                    continue
                patience.cancel()
                self._begin(transport)
                await ended
                self._lose()
                patience = loop.call_later(PATIENCE_SECONDS, self._give_up)
        finally:
            patience.cancel()

    def _begin(self, transport: asyncio.Transport) -> None:
        """Send what waits for an answer, in its order, and read the log for what was missed."""
        self._transport = transport
        self._is_absent = False
        self._unsent = list(self._asked.values())
        self._flush()
        self.on_look()

    def _lose(self) -> None:
        self._transport = None
        self._unsent = []
        _log.warning("The writer's link is lost, with %d commands under way", len(self._asked))
        lost = [number for number, one in self._asked.items() if one.tries and not (one.has_key and one.tries < TRIES)]
        self._refuse(lost, UNKNOWN)

    def _give_up(self) -> None:
        self._is_absent = True
        self._refuse(list(self._asked), ABSENT)

    def _refuse(self, numbers: list[int], message: str) -> None:
        for number in numbers:
            self._asked.pop(number).reply(Overloaded(message))
        self._note_end()

    def _note_end(self) -> None:
        self.on_end()
        if self._answered is not None and not self._asked:
            self._answered.set()

    def take(self, kind: Kind, body: memoryview) -> None:
        """Take a frame of the writer's."""
        if kind is Kind.ROWS:
            self.on_rows(decode_rows(body))
        elif kind is Kind.ANSWERS:
            for number, outcome in decode_outcomes(body):
                asked = self._asked.pop(number, None)
                if asked is not None:
                    asked.reply(outcome)
            self._note_end()
        elif kind is Kind.STATE:
            self.on_state(decode_state(body))
        elif kind is Kind.LOOK:
            self.on_look()
        else:
            raise BrokenLink(f"{kind.name} from the writer")


class _Protocol(asyncio.Protocol):
    """One connection. `ended` is done at its end."""

    def __init__(self, link: WriterLink, ended: asyncio.Future[None]) -> None:
        self._link = link
        self._ended = ended
        self._frames = FrameReader()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        try:
            for kind, body in self._frames.read(data):
                self._link.take(kind, body)
        except BrokenLink:
            _log.exception("The writer's link is given up")
            assert self._transport is not None
            self._transport.abort()

    def connection_lost(self, _error: Exception | None) -> None:
        if not self._ended.done():
            self._ended.set_result(None)
