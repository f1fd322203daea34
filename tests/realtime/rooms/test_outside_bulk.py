"""The taking of outside writes beside the commands of the service, in one process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import pytest

from models.contract.commands.calendars import CreateCalendar
from models.contract.commands.slots import NewSlot, OpenSlots
from models.contract.principal import OPERATOR
from models.contract.values.time import DAY, HOUR
from models.domain.outside_writes.notes import NOTES_AT_ONCE
from realtime.rooms.change_listener import ChangeListener
from realtime.rooms.outside_writes import OutsideWrites
from tests.models.database_audit import audit, query
from tests.realtime.room_stack import RecordingConnection, RoomStack
from tests.support import eventually, new_key
from tests.support.databases.postgres import Postgres

BULK = 6_000
COMMANDS = 60
HELD_UP_SECONDS = 0.05  # the most that taking a bulk may add to a command of another calendar
TRIES = 6  # on a crowded machine


@pytest.fixture(params=["sqlite", "postgres"])
async def stack(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[RoomStack]:
    """Run a stack that takes outside writes, on each kind of database."""
    url = f"sqlite:///{tmp_path / 'slotcast.db'}"
    if request.param == "postgres":
        postgres: Postgres = request.getfixturevalue("postgres")
        url = postgres.new_url()
    stack = RoomStack(url)
    await stack.open()
    intake = OutsideWrites(stack.service, stack.dispatcher)
    listener = ChangeListener(stack.sync.watch(), intake.read, intake.check, intake.take, stack.dispatcher.on_rows)
    listener.start()
    yield stack
    await listener.close()
    await intake.close()
    await stack.close()
    audit(url)


class Commands:
    """Single commands of a calendar of their own, and the seconds that each took."""

    def __init__(self, stack: RoomStack) -> None:
        self._stack = stack
        self._numbers = count(1)
        self.seconds: list[float] = []

    async def ask(self) -> None:
        start = self._stack.sync.clock() + DAY + next(self._numbers) * HOUR
        slots = (NewSlot(start=start, end=start + HOUR),)
        began = time.perf_counter()
        await self._stack.service.run(OpenSlots(principal=OPERATOR, key=new_key(), calendar="other", slots=slots))
        self.seconds.append(time.perf_counter() - began)
        await asyncio.sleep(0.003)

    def percentile(self, share: float) -> float:
        return sorted(self.seconds)[int(len(self.seconds) * share)]


async def _held_up(stack: RoomStack, sql: str) -> float:
    """Return by how much the 95th percentile of other calendars' commands grows while the statement is taken."""
    before, after = Commands(stack), Commands(stack)
    for _ in range(COMMANDS):
        await before.ask()
    await asyncio.to_thread(query, stack.sync.url, sql)
    await after.ask()
    while await stack.service.read(stack.sync.outside):
        await after.ask()
    assert len(after.seconds) > COMMANDS // 2, "the taking lets the commands through"
    return after.percentile(0.95) - before.percentile(0.95)


async def test_other_calendars_do_not_wait_for_a_bulk(stack: RoomStack) -> None:
    """One statement changes thousands of slots: single commands of another calendar go first."""
    await stack.service.run(CreateCalendar(principal=OPERATOR, calendar="other", name="Other", zone="UTC"))
    connection, first = RecordingConnection(), stack.sync.clock() + DAY
    await stack.join(connection)
    numbers = (
        f"generate_series(1, {BULK}) AS n"
        if stack.sync.url.startswith("postgresql:")
        else f"(WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < {BULK}) SELECT n FROM g)"
    )
    at = f"{first} + n * CAST(1000 AS BIGINT)"
    sql = f"INSERT INTO slot (calendar, start, \"end\") SELECT 'room', {at}, {at} + 500 FROM {numbers}"
    found = []
    for _ in range(TRIES):
        found.append(await _held_up(stack, sql))
        if found[-1] <= HELD_UP_SECONDS:
            break
        sql = "UPDATE slot SET capacity = capacity + 1 WHERE calendar = 'room'"
    assert min(found) <= HELD_UP_SECONDS, found
    await eventually(lambda: sum(len(change["slots"]) for change in connection.changes) >= BULK, what="the slots")
    assert connection.seqs == list(range(connection.seqs[0], connection.seqs[-1] + 1))
    assert max(len(change["slots"]) for change in connection.changes) <= max(NOTES_AT_ONCE, 200)
