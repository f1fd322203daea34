"""Back-pressure: a connection reads only while nothing keeps it from reading."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from realtime.engine import Counters, Limits
from realtime.engine.engineio.back_pressure import BackPressure
from tests.realtime.engine.websocket.test_websocket import Wire, frame
from tests.support import eventually


class Host:
    """A server that keeps the handlers which it is to run."""

    is_draining = False

    def __init__(self) -> None:
        self.handlers: list[Awaitable[Any]] = []

    def run(self, _: BackPressure, awaitable: Awaitable[Any]) -> None:
        self.handlers.append(awaitable)


class Listening(BackPressure):
    """A connection that keeps its messages."""

    __slots__ = ("heard", "host")

    def __init__(self) -> None:
        self.host = Host()
        super().__init__(self.host, Limits(), Counters(), "")
        self.heard: list[str] = []
        self.begin(Wire())

    def on_text(self, text: str) -> None:
        self.heard.append(text)


async def _never() -> None: ...


async def test_messages_wait_for_every_handler() -> None:
    """With two handlers at work nothing is read; the last one to end lets the messages through, in order."""
    connection = Listening()
    for _ in range(2):
        connection.pause_until_done(_never())
    connection.data_received(frame(0x81, b"one") + frame(0x81, b"two"))
    connection.remove_blocker()
    assert connection.heard == []
    connection.remove_blocker()
    assert connection.heard == ["one", "two"]
    for handler in connection.host.handlers:
        await handler


async def test_a_delay_ends_by_itself() -> None:
    """The bytes that came meanwhile are read at its end, and a POST that waited goes on."""
    connection = Listening()
    connection.delay_reading(0.01)
    waiting = asyncio.create_task(connection.until_resumed())
    connection.data_received(frame(0x81, b"late"))
    assert connection.heard == []
    await eventually(lambda: connection.heard == ["late"])
    await waiting


async def test_a_draining_server_reads_nothing_more() -> None:
    """The client sends its messages to another server."""
    connection = Listening()
    connection.pause_until_done(_never())
    connection.host.is_draining = True
    connection.data_received(frame(0x81, b"late"))
    connection.remove_blocker()
    assert connection.heard == []
    assert connection.is_reading_paused
    await connection.host.handlers[0]
