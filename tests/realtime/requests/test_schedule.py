"""A schedule is expanded beside the writer, and again if the calendar moves meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count
from pathlib import Path

import msgspec
import pytest

from models.contract.commands.calendars import CreateCalendar, SetSchedule, UpdateCalendar
from models.contract.commands.command import Answer, Command
from models.contract.errors import StaleExpansion
from models.contract.principal import OPERATOR
from models.service import SlotService
from realtime.async_service import AsyncService
from realtime.requests.schedule import set_schedule

ZONES = ("Asia/Tokyo", "Europe/Berlin", "America/Lima")
COMMAND = SetSchedule(
    principal=OPERATOR,
    calendar="room",
    schedule={
        "windows": [{"days": ["mon", "fri"], "start": "09:00", "end": "11:00"}],
        "slot_minutes": 60,
        "from": "2027-01-04",
        "horizon_days": 7,
    },
)


@pytest.fixture
def slot_service(tmp_path: Path) -> Iterator[SlotService]:
    service = SlotService(f"sqlite:///{tmp_path / 'slotcast.db'}", b"a secret of the tests, long enough")
    service.open()
    service.run(CreateCalendar(principal=OPERATOR, calendar="room", name="Room", zone="UTC"))
    yield service
    service.close()


@pytest.mark.parametrize(("moves", "is_done"), [(0, True), (2, True), (3, False)])
async def test_a_calendar_that_moves_meanwhile(slot_service: SlotService, moves: int, is_done: bool) -> None:
    """The schedule is expanded at most three times, and never opened by the clocks of another zone."""
    service = AsyncService(slot_service, on_commit=lambda _: None)
    tries = count()

    async def run(command: Command) -> Answer:
        if (number := next(tries)) < moves:
            await service.run(UpdateCalendar(principal=OPERATOR, calendar="room", zone=ZONES[number]))
        return await service.run(command)

    if is_done:
        answer = await set_schedule(service, run, COMMAND)
        assert msgspec.json.decode(answer.result)["opened"] == 4
    else:
        with pytest.raises(StaleExpansion):
            await set_schedule(service, run, COMMAND)
    preview = await set_schedule(service, run, msgspec.structs.replace(COMMAND, preview=True))
    assert msgspec.json.decode(preview.result)["opened"] == (0 if is_done else 4)
    await service.close()
