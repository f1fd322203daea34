"""The service for the event loop: results of the writer's thread come to the loop, in order."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest

from models.contract.changes import Logged
from models.contract.commands.calendars import CreateCalendar, UpdateCalendar
from models.contract.commands.holds import HoldSlot
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


async def test_a_command_of_the_turn_of_the_stop_is_done(database: str) -> None:
    """The commands of a turn of the loop go to the writer at its end, or with the stop."""
    sync = SlotService(database, b"a secret of the tests, long enough for HS256", synchronous="normal")
    sync.open()
    service = AsyncService(sync, lambda _rows: None)
    command = CreateCalendar(principal=OPERATOR, calendar="room", name="Room", zone="UTC")
    last = asyncio.create_task(service.run(command))
    stop = asyncio.create_task(service.close())
    assert (await last).calendar == "room"
    await stop


async def test_a_caller_that_has_gone_stops_no_other(service: AsyncService) -> None:
    """Its command is done, and a refusal reaches its own caller only."""
    gone = asyncio.create_task(service.run(UpdateCalendar(principal=OPERATOR, calendar="room", name="Gone")))
    await asyncio.sleep(0)
    gone.cancel()
    with pytest.raises(NotFound):
        await service.run(UpdateCalendar(principal=OPERATOR, calendar="nowhere", name="N"))
    assert [info.name for info in await service.read(service.sync.calendars)] == ["Gone"]
    await service.caught_up(5)


async def test_a_wait_for_commands_ends_with_those_of_its_begin(service: AsyncService, events: list[Any]) -> None:
    """Commands that come later do not prolong it, so a change does not wait as long as others keep booking."""

    async def rename() -> None:
        await service.run(UpdateCalendar(principal=OPERATOR, calendar="room", name=f"Room {len(events)}"))

    async def keep_busy() -> None:
        while not waiting.done():
            await rename()

    first = [asyncio.create_task(rename()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting = asyncio.create_task(service.caught_up(60))
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        for _ in range(3):  # so that a command is always under way
            group.create_task(keep_busy())
    assert all(one.done() for one in first)


async def test_a_full_queue_refuses_commands(service: AsyncService, monkeypatch: pytest.MonkeyPatch) -> None:
    """The refusal comes at once, without a place in the queue."""
    monkeypatch.setattr(async_service, "MOST_QUEUED", -1)
    with pytest.raises(Overloaded):
        await service.run(UpdateCalendar(principal=OPERATOR, calendar="room", name="Late"))


async def test_a_claim_that_would_wait_too_long_is_refused_on_arrival(
    service: AsyncService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only a client's claim of free seats is; it is told when to come again, and the writer gets on first."""
    monkeypatch.setattr(type(service.wait), "is_too_long", True)
    claim = HoldSlot(key="a-key-of-the-tests-00001", slot="01977420-0000-7000-8000-000000000001")
    with pytest.raises(Overloaded) as refused:
        await service.run(claim, arrived=time.monotonic())
    assert refused.value.details["retry_after"] > 0
    with pytest.raises(NotFound):
        await service.run(claim)
    await service.run(UpdateCalendar(principal=OPERATOR, calendar="room", name="Not a claim"), arrived=time.monotonic())
