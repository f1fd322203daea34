"""The service for the event loop: results of the writer's thread come to the loop, in order."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from models.contract.changes import Logged
from models.contract.commands.calendars import CreateCalendar, UpdateCalendar
from models.contract.errors import NotFound, Overloaded
from models.contract.principal import OPERATOR
from models.service import SlotService
from realtime import async_service
from realtime.async_service import AsyncService


@pytest.fixture
def events() -> list[Any]:
    """Return the list of seqs on commit, and of answers."""
    return []


@pytest.fixture
async def service(database: str, events: list[Any]) -> AsyncIterator[AsyncService]:
    """Open a service with one calendar."""
    sync = SlotService(database, b"a secret of the tests, long enough for HS256", synchronous="normal")
    sync.open()

    def on_commit(rows: list[Logged]) -> None:
        events.extend(row.seq for row in rows)

    service = AsyncService(sync, on_commit)
    await service.run(CreateCalendar(principal=OPERATOR, calendar="room", name="Room", zone="UTC"))
    yield service
    await service.close()


async def test_rows_come_before_their_answers_in_order(service: AsyncService, events: list[Any]) -> None:
    """Commands run in the order of the calls, and no answer overtakes the rows of its commit."""

    async def rename(number: int) -> None:
        answer = await service.run(UpdateCalendar(principal=OPERATOR, calendar="room", name=f"Room {number}"))
        assert answer.seq in events
        events.append(f"answer {answer.seq}")

    await asyncio.gather(*(rename(number) for number in range(1, 41)))
    assert [event for event in events if isinstance(event, int)] == list(range(1, 41))
    assert [event for event in events if isinstance(event, str)] == [f"answer {seq}" for seq in range(1, 41)]


async def test_a_caller_that_has_gone_stops_no_other(service: AsyncService) -> None:
    """Its command is done, and a refusal reaches its own caller only."""
    gone = asyncio.create_task(service.run(UpdateCalendar(principal=OPERATOR, calendar="room", name="Gone")))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(NotFound):
        await service.run(UpdateCalendar(principal=OPERATOR, calendar="nowhere", name="N"))
    assert [info.name for info in await service.read(service.sync.calendars)] == ["Gone"]
    await service.quiet(5)


async def test_a_full_queue_refuses_commands(service: AsyncService, monkeypatch: pytest.MonkeyPatch) -> None:
    """The refusal comes at once, without a place in the queue."""
    monkeypatch.setattr(async_service, "MOST_QUEUED", -1)
    with pytest.raises(Overloaded):
        await service.run(UpdateCalendar(principal=OPERATOR, calendar="room", name="Late"))
