"""The delay until everyone knows of a change by time, and of a change by another process."""

import asyncio
import json
import time
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from statistics import median

from models.contract.commands.calendars import SetSchedule
from models.contract.commands.holds import HoldSlot
from models.contract.values.time import DAY, SECOND, read_time, system_clock
from models.service import SlotService
from tests.models.database_audit import asking, query
from tests.models.driver import GUEST, STAFF, Driver, FakeClock
from tests.support import Api, Client, Node, Server, eventually, new_key
from tests.support.example import World, in_days
from tests.system.both_transports import code_of
from tests.system.conftest import QUIET, Place

GRACE_SECONDS = 0.5
SECRET = "a secret of long ago, and still the same"
SAME = {"SLOTCAST_SECRET": SECRET}
KNOWN_SECONDS = 1.0
BUSY_SECONDS = 1.0  # a busy machine adds so much


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


async def _has_heard(watcher: Node, kind: str) -> bool:
    """Say if the official client has a change of this type."""
    watcher.send({"look": True})
    copy = await asyncio.to_thread(watcher.read_until, lambda told: told["saw"] == "copy")
    return kind in copy["types"]


async def test_an_expiry_is_known_within_a_second(tmp_path: Path, node: Callable[..., Node]) -> None:
    """A hold's seats are back, for everyone and by a change, between half a second and a second after its end."""
    with Server(tmp_path, *QUIET) as server:
        token = server.command("token", "--scope", "staff").strip()
        async with Api(server.url, token) as api, Api(server.url) as guest, Client(server.url) as watcher:
            await api.post("/api/calendars", id="room", name="R", zone="UTC", policy={"hold_seconds": 30})
            places = [{"start": in_days(1 + number), "end": in_days(1.5 + number)} for number in range(3)]
            opened = await api.post("/api/calendars/room/slots", slots=places)
            slot, other, extended = (found["id"] for found in opened["slots"])
            viewer = await watcher.watch("room")
            official = node("watcher.mjs", server.url, "room", json.dumps({"transports": ["polling"]}))
            await asyncio.to_thread(official.read_until, lambda told: told["saw"] == "subscribed")
            hold = (await guest.post(f"/api/slots/{slot}/holds"))["hold"]
            kept = (await guest.post(f"/api/slots/{other}/holds"))["hold"]
            longer = (await guest.post(f"/api/slots/{extended}/holds"))["hold"]
            await eventually(lambda: time.time() > _seconds(kept["expires_at"]) - 2, 35)
            longer = (await guest.post(f"/api/holds/{longer['id']}/extend", token=longer["token"]))["hold"]
            booked = await guest.post(
                f"/api/slots/{other}/bookings",
                hold={"id": kept["id"], "token": kept["token"]},
                customer={"name": "Ada"},
            )
            assert booked["booking"]["status"] == "confirmed"
            assert _seconds(longer["expires_at"]) > _seconds(hold["expires_at"]) + 20
            await eventually(lambda: "slot.expired" in viewer.types, what="the lapse")
            late = watcher.arrivals[-1] - _seconds(hold["expires_at"])
            print(f"known {late:.3f} s after the end")
            assert GRACE_SECONDS - 0.01 <= late <= KNOWN_SECONDS + BUSY_SECONDS
            change = watcher.changes[-1]
            assert [(found["id"], found["held"], found["remaining"]) for found in change["slots"]] == [(slot, 0, 1)]
            await eventually(partial(_has_heard, official, "slot.expired"), what="the official client's copy")
            answer = await guest.ask("POST", f"/api/holds/{hold['id']}/extend", {"token": hold["token"]}, key=new_key())
            assert answer.code == "hold_expired"
            fields = {"hold": {"id": hold["id"], "token": hold["token"]}, "customer": {"name": "Ada"}}
            path = f"/api/slots/{slot}/bookings"
            assert (await guest.ask("POST", path, fields, key=new_key())).code == "hold_expired"
            assert (await guest.ask("POST", path, {**fields, "if_still_free": True}, key=new_key())).code == "ok"


def _old_database(database: str, now: int) -> Driver:
    """Return a database with an older time than the server's."""
    clock = FakeClock(now)
    service = SlotService(database, SECRET.encode(), clock=clock, synchronous="normal")
    service.open()
    return Driver(service, clock, _next_start=now + 2 * DAY)


async def test_a_thousand_expiries_are_known_within_a_second(tmp_path: Path) -> None:
    """A thousand at once, in one calendar and in many."""
    database = Server.new_database(tmp_path)
    driver = _old_database(database, system_clock() - 22 * SECOND)
    for place in range(251):
        driver.create(f"c{place}", hold_seconds=30, max_holds=1_000)
        slots = driver.open(1 if place else 750)
        assert len(driver.together([HoldSlot(principal=GUEST, key=new_key(), slot=slot) for slot in slots])) == len(
            slots
        )
    driver.service.close()
    ((end,),) = query(database, "SELECT MAX(expires_at) FROM hold")
    with Server(tmp_path, *QUIET, database=database, settings=SAME), asking(database) as ask:
        end = max(end, system_clock())
        await eventually(lambda: ask("SELECT COUNT(*) FROM hold WHERE state = 0") == [(0,)], what="the sweep")
        ((last,),) = ask("SELECT MAX(at) FROM change_log WHERE type = 'slot.expired'")
    print(f"the last of them {(last - end) / SECOND:.3f} s after the end")
    assert last - end <= (KNOWN_SECONDS + BUSY_SECONDS) * SECOND


async def test_a_horizon_is_filled_when_a_server_starts(tmp_path: Path) -> None:
    """Every readable calendar is filled, also beside one with an unreadable schedule."""
    database = Server.new_database(tmp_path)
    driver = _old_database(database, system_clock() - 3 * DAY)
    hours = {
        "windows": [{"rrule": "FREQ=DAILY", "start": "00:00", "end": "24:00"}],
        "slot_minutes": 60,
        "from": "2026-01-01",
        "horizon_days": 2,
    }
    for name in ("broken", "room"):
        driver.create(name)
        driver.service.run(SetSchedule(principal=STAFF, calendar=name, schedule=hours))
    driver.service.close()
    query(database, "UPDATE timetable SET body = '{}' WHERE calendar = 'broken'")
    with Server(tmp_path, *QUIET, database=database, settings=SAME) as server:
        async with Api(server.url) as api:

            async def is_filled() -> bool:
                slots = (await api.get("/api/calendars/room/slots"))["slots"]
                return any(read_time(slot["end"]) > system_clock() + DAY for slot in slots)

            await eventually(is_filled, what="the horizon")


async def test_commits_of_another_process_are_pushed(place: Place, world: World) -> None:
    """Commits of the command line are pushed at once: the database reports them, not the process."""
    async with Client(place.url) as watcher:
        viewer = await watcher.watch(world.calendar)
        begin, finish = in_days(40), in_days(41)
        slot = await asyncio.to_thread(place.server.command, "slot", "open", world.calendar, begin, finish)
        for deed in ("close", "remove"):
            await asyncio.to_thread(place.server.command, "slot", deed, slot.strip())
        await eventually(lambda: len(viewer.applied) == 3, what="three changes")
        assert [change["type"] for change in watcher.changes] == ["slot.opened", "slot.closed", "slot.removed"]
        lates = [
            arrival - _seconds(change["at"]) for change, arrival in zip(watcher.changes, watcher.arrivals, strict=True)
        ]
        print("known", [f"{late:.3f}" for late in lates], "s after the commit began")
        assert median(lates) < 0.5
        assert max(lates) < KNOWN_SECONDS + BUSY_SECONDS


async def test_a_calendar_made_by_another_process(place: Place) -> None:
    """A calendar made at the command line can be subscribed to at once; an unknown one can't, until it is made."""
    async with Client(place.url) as watcher:
        answer = await watcher.ask("calendar.subscribe", calendar="from-afar")
        assert code_of(answer) == "unauthorized"
        await asyncio.to_thread(place.server.command, "calendar", "create", "from-afar", "--zone", "Asia/Tokyo")
        viewer = await watcher.watch("from-afar")
        assert viewer.info["zone"] == "Asia/Tokyo"
