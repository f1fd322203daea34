"""The line of an overloaded server: who enters it, and in which order it is left."""

from __future__ import annotations

import asyncio

from realtime.engine.reading_line import (
    FORGIVEN_SECONDS,
    GRACE_SECONDS,
    TOLERATED,
    TURNS,
    Conduct,
    ReadingLine,
)
from tests.support import eventually

WAIT_SECONDS = 2.0


class _Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


class _Connection:
    """A connection that notes when it is read."""

    def __init__(self, name: str, read: list[str]) -> None:
        self.conduct: Conduct | None = None
        self.is_open = True
        self.is_in_line = False
        self._name = name
        self._read = read

    def enter_line(self) -> None:
        self.is_in_line = True

    def leave_line(self) -> None:
        self.is_in_line = False
        self._read.append(self._name)


def _ignore(line: ReadingLine, clock: _Clock, connection: _Connection) -> int:
    """Send again and again before the told time, until the connection is not read; return the number of requests."""
    sent = 0
    while not connection.is_in_line:
        line.note(connection, WAIT_SECONDS)
        sent += 1
        clock.now += GRACE_SECONDS
    return sent


def test_a_client_who_waits_as_told_never_enters_the_line() -> None:
    """It may be refused for any number of times, and send several requests at once."""
    clock = _Clock()
    line = ReadingLine(lambda: 0.0, clock)
    polite = _Connection("polite", [])
    for _ in range(100):
        for _ in range(3 * TOLERATED):
            line.note(polite, WAIT_SECONDS)
        clock.now += WAIT_SECONDS
    assert not polite.is_in_line
    assert not line.is_ignoring(polite)


async def test_a_client_who_ignores_refusals_enters_the_line() -> None:
    """A few requests before the told time are tolerated. It is forgiven once it has kept still for long enough."""
    clock = _Clock()
    line = ReadingLine(lambda: 0.0, clock)
    rude = _Connection("rude", [])
    assert _ignore(line, clock, rude) == TOLERATED + 3  # the first, and the one within the time of grace
    clock.now += WAIT_SECONDS
    assert line.is_ignoring(rude)
    clock.now += FORGIVEN_SECONDS
    assert not line.is_ignoring(rude)
    line.note(rude, WAIT_SECONDS)
    assert not line.is_ignoring(rude)
    line.close()


async def test_connections_leave_in_order_as_far_as_there_is_room() -> None:
    """Without room none is read; with some, those who came first are, and a closed one takes no turn."""
    clock, read, room, looks = _Clock(), list[str](), [0.0], list[float]()

    def read_room() -> float:
        looks.append(room[0])
        return room[0]

    line = ReadingLine(read_room, clock)
    connections = [_Connection(str(number), read) for number in range(6)]
    for connection in connections:
        _ignore(line, clock, connection)
    await eventually(lambda: len(looks) >= 3)
    assert read == []
    connections[1].is_open = False
    room[0] = TURNS  # two turns
    await eventually(lambda: bool(read))
    room[0] = 0.0
    assert read[:2] == ["0", "2"]
    room[0] = 3 * TURNS
    await eventually(lambda: len(line) == 0)
    assert read == ["0", "2", "3", "4", "5"]


async def test_a_stopping_server_reads_on_from_all() -> None:
    """The requests in the line are answered, and none enters it any more."""
    clock, read = _Clock(), list[str]()
    line = ReadingLine(lambda: 0.0, clock)
    first, later = _Connection("first", read), _Connection("later", read)
    _ignore(line, clock, first)
    line.close()
    assert read == ["first"]
    for _ in range(10 * TOLERATED):
        line.note(later, WAIT_SECONDS)
        clock.now += GRACE_SECONDS
    assert not later.is_in_line
    await asyncio.sleep(0)
    assert len(line) == 0
