"""A staff member sends dear schedules and previews all the time; an honest client's bookings go on meanwhile."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.support import Api, Server, eventually
from tests.support.clients.client import new_key
from tests.support.example import in_days
from tests.system.conftest import QUIET, Place

DAYS = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
BOOKINGS = 40
# On a machine that is busy with other tests; alone a booking takes some 5 ms. Each of these schedules stopped all
# bookings for one to five seconds.
FLOOR_SECONDS = 0.75
TIMES_CALM = 3


def _windows(**window: Any) -> dict[str, Any]:
    return {"windows": [window] * 32, "slot_minutes": 60, "from": "1970-01-01", "horizon_days": 1_830}


def _refused(place: int) -> dict[str, Any]:
    return _windows(
        rrule=f"FREQ=DAILY;BYMONTH=2;BYMONTHDAY=29;COUNT={3_000 + place % 9_000}", start="09:00", end="10:00"
    )


def _empty(place: int) -> dict[str, Any]:
    """Return a schedule whose rule names no date at all, each time another one."""
    weekdays = ",".join(f"{number}{day}" for number in range(6, 19) for day in ("MO", "TU", "WE", "TH", "FR", "SA"))
    months = "BYMONTH=1,2,3,4,5,6,7,8,9,10,11,12"
    return _windows(rrule=f"FREQ=YEARLY;{months};BYDAY={weekdays},{place % 30 + 22}SU", start="09:00", end="10:00")


def _longest(place: int) -> dict[str, Any]:
    return _windows(days=DAYS, start=f"{place % 2 + 9:02}:00", end=f"{place % 2 + 10:02}:00")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with Server(tmp_path_factory.mktemp("schedules"), *QUIET) as server:
        yield Place(server, server.command("token", "--scope", "staff").strip())


async def _slots(api: Api, calendar: str) -> list[str]:
    await api.post("/api/calendars", id=calendar, name="Room", zone="UTC")
    begin = datetime.fromisoformat(in_days(2))
    slots = [
        {
            "start": f"{begin + timedelta(hours=hour):%Y-%m-%dT%H:00:00Z}",
            "end": f"{begin + timedelta(hours=hour + 1):%Y-%m-%dT%H:00:00Z}",
        }
        for hour in range(2 * BOOKINGS)
    ]
    return [slot["id"] for slot in (await api.post(f"/api/calendars/{calendar}/slots", slots=slots))["slots"]]


async def _p99(guest: Api, slots: list[str]) -> float:
    """Book the slots, one after the other, and return the longest but one time."""
    waits = []
    for slot in slots:
        began = time.perf_counter()
        await guest.post(f"/api/slots/{slot}/bookings", customer={"name": "Ada"})
        waits.append(time.perf_counter() - began)
        await asyncio.sleep(0.02)
    return sorted(waits)[-2]


@asynccontextmanager
async def _attack(send: Callable[[int], Awaitable[int]]) -> AsyncIterator[Counter[int]]:
    """Send one request after the other, from four connections; yield the number of answers of each status."""
    answers: Counter[int] = Counter()

    async def go(number: int) -> None:
        while True:
            answers[await send(number + sum(answers.values()))] += 1

    tasks = [asyncio.create_task(go(number)) for number in range(4)]
    try:
        yield answers
    finally:
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ends), ends


@pytest.mark.parametrize("preview", [True, False], ids=["preview", "set"])
@pytest.mark.parametrize("make", [_refused, _longest, _empty])
async def test_dear_schedules_of_one_staff_member_stop_no_bookings(
    place: Place, make: Callable[[int], dict[str, Any]], preview: bool
) -> None:
    """Bookings take at most three times as long as before. What is too dear is refused with its bound."""
    name = f"{make.__name__.strip('_')}-{'preview' if preview else 'set'}"
    async with Api(place.url, place.staff) as staff, Api(place.url) as guest:
        slots = await _slots(staff, f"honest-{name}")
        await staff.post("/api/calendars", id=name, name="Room", zone="Europe/Berlin")
        calm = await _p99(guest, slots[:BOOKINGS])

        async def send(number: int) -> int:
            path = f"/api/calendars/{name}/schedule?preview={int(preview)}"
            answer = await staff.ask("PUT", path, {"schedule": make(number)}, key=new_key())
            if answer.status == 400:
                assert answer.body["details"].get("rule") == "steps" or b"no date at all" in answer.raw, answer
            if answer.status == 429:  # its budget is the guest's, of the same address
                await asyncio.sleep(1)
            return answer.status

        async with _attack(send) as answers:
            attacked = await _p99(guest, slots[BOOKINGS:])
            await eventually(lambda: answers.total() >= 2)  # a booking was never behind all of them
    print(f"{name}: p99 {calm * 1e3:.0f} ms calm, {attacked * 1e3:.0f} ms meanwhile; {dict(answers)}")
    assert attacked <= max(TIMES_CALM * calm, FLOOR_SECONDS)
    assert set(answers) <= {200 if make is _longest else 400, 429}
