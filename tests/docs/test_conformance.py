"""Real answers on both transports fit the server's own description."""

import json
import urllib.request
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from models.contract.changes import Type
from models.contract.requests import EVERY_REQUEST
from realtime.describe.asyncapi import asyncapi
from realtime.describe.openapi import openapi
from tests.docs.ask import Http, Sockets
from tests.support import Api, Server, eventually
from tests.support.example import EMPTY_FILE, make_world

# The types of changes in the story. A hold takes too long to expire for it, and nobody is subscribed at a restoration.
_CHANGES = set(Type) - {Type.SLOT_EXPIRED, Type.CALENDAR_ARCHIVED, Type.CALENDAR_RESTORED}
_HOURS = {
    "windows": [{"days": ["mon", "tue"], "start": "09:00", "end": "11:00"}],
    "slot_minutes": 30,
    "capacity": 2,
    "from": "2026-01-01",
    "horizon_days": 7,
}
_CUSTOMER = {"name": "Ada Lovelace", "email": "ada@example.org", "phone": "+43 1 234", "note": "two chairs"}


def _key() -> str:
    return str(uuid.uuid4())


def _times(day: int) -> dict[str, str]:
    return {"start": f"2033-01-{day:02}T09:00:00Z", "end": f"2033-01-{day:02}T10:00:00Z"}


class _Story:
    """Requests in an order that makes changes of all types; `speaker` compares each answer with its schema."""

    def __init__(self, speaker: Any) -> None:
        self._speaker = speaker
        self.asked: set[str] = set()

    async def _ask(self, name: str, /, **fields: Any) -> Any:
        self.asked.add(name)
        return await self._speaker.ask(name, **fields)

    async def _staff(self, name: str, /, **fields: Any) -> Any:
        return await self._ask(name, is_staff=True, **fields)

    async def run(self) -> None:
        await self._staff("calendar.create", id="room", name="Room", zone="Europe/Vienna", key=_key())
        await self._ask("calendar.subscribe", calendar="room")
        await self._staff("calendar.subscribe", calendar="room")
        await self._staff("calendar.update", id="room", name="Room 1", policy={"cancel_notice": 60}, key=_key())
        slots = await self._slots()
        await self._holds(slots)
        await self._bookings(slots)
        await self._ask("calendar.subscribe", calendar="room", **{"from": "2033-01-01T00:00:00Z"})
        await self._staff("calendar.subscribe", calendar="room", **{"from": "2033-01-01T00:00:00Z"})
        await self._schedule()
        await self._ask("calendar.unsubscribe", calendar="room")
        await self._other_calendars()
        await self._staff("calendar.create", id="old", name="Old", zone="UTC")
        await self._staff("calendar.archive", id="old", key=_key())
        await self._staff("calendar.restore", id="old", key=_key())

    async def _other_calendars(self) -> None:
        feed = (await self._staff("feed.create", calendar="room", name="Own", scope="bookings", key=_key()))["feed"]
        await self._staff("feed.list", calendar="room")
        await self._staff("feed.revoke", feed=feed["id"], key=_key())
        source = (await self._staff("busy.add", calendar="room", name="Own", text=EMPTY_FILE, key=_key()))["source"]
        await self._staff("busy.list", calendar="room")
        await self._staff("busy.remove", source=source["id"], key=_key())
        block = await self._staff("block.add", calendar="room", kind="email", value="eve@example.org", key=_key())
        await self._staff("block.list", calendar="room")
        await self._staff("block.remove", block=block["block"]["id"], key=_key())
        await self._staff("history.list", calendar="room")

    async def _schedule(self) -> None:
        wanted = {"calendar": "hours", "schedule": _HOURS}
        await self._staff("calendar.create", id="hours", name="Hours", zone="America/New_York")
        await self._ask("calendar.subscribe", calendar="hours")
        await self._staff("calendar.subscribe", calendar="hours")
        planned = await self._staff("schedule.set", **wanted, preview=True)
        done = await self._staff("schedule.set", **wanted, key=_key())
        assert {name: done[name] for name in ("opened", "removed", "updated", "kept")} == {
            name: planned[name] for name in ("opened", "removed", "updated", "kept")
        }
        assert done["opened"] >= 4

    async def _slots(self) -> list[str]:
        asked = [{**_times(day), "capacity": 2, "data": {"room": day}} for day in range(1, 5)]
        opened = (await self._staff("slot.open", calendar="room", slots=asked, key=_key()))["slots"]
        ids = [slot["id"] for slot in opened]
        version = opened[0]["version"]
        await self._staff("slot.update", slot=ids[0], capacity=3, if_version=version, key=_key())
        for name in ("slot.close", "slot.reopen", "slot.remove"):
            await self._staff(name, slot=ids[0], key=_key())
        return ids[1:]

    async def _holds(self, slots: list[str]) -> None:
        hold = (await self._ask("slot.hold", slot=slots[0], seats=2, key=_key()))["hold"]
        proof = {"hold": hold["id"], "token": hold["token"]}
        await self._ask("hold.extend", **proof, key=_key())
        assert await self._speaker.refused("slot.hold", slot=slots[0], key=_key()) == "slot_unavailable"
        await self._ask("hold.release", **proof, key=_key())
        assert await self._speaker.refused("slot.hold", slot=slots[0]) == "bad_request"

    async def _bookings(self, slots: list[str]) -> None:
        hold = (await self._ask("slot.hold", slot=slots[1], key=_key()))["hold"]
        proof = {"id": hold["id"], "token": hold["token"]}
        booked = await self._ask("slot.book", slot=slots[1], hold=proof, customer=_CUSTOMER, key=_key())
        mine = {"booking": booked["booking"]["id"], "token": booked["booking"]["token"]}
        await self._ask("booking.get", **mine)
        await self._ask("booking.reschedule", **mine, slot=slots[2], key=_key())
        await self._ask("booking.update", **mine, customer={"note": "late"}, seats=2, key=_key())
        await self._staff("slot.hold", slot=slots[0], override=True, key=_key())
        await self._ask("booking.cancel", **mine, key=_key())
        await self._staff("booking.reinstate", booking=mine["booking"], override=True, key=_key())
        await self._ask("booking.cancel", **mine, key=_key())
        await self._staff("calendar.update", id="room", policy={"confirmation": "staff"})
        asked = [await self._ask("slot.book", slot=slots[2], customer=_CUSTOMER, key=_key()) for _ in range(2)]
        first, second = (one["booking"]["id"] for one in asked)
        await self._staff("booking.reject", booking=first, key=_key())
        await self._staff("booking.confirm", booking=second, key=_key())
        await self._staff("booking.erase", booking=second, key=_key())
        await self._staff("booking.get", booking=second)
        await self._miss()

    async def _miss(self) -> None:
        """Mark a customer as absent from a slot that begins in a moment, and take that back."""
        start = datetime.now(UTC) + timedelta(seconds=4)
        times = {"start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat()}
        opened = (await self._staff("slot.open", calendar="room", slots=[times], key=_key()))["slots"]
        booked = (await self._staff("slot.book", slot=opened[0]["id"], customer=_CUSTOMER, key=_key()))["booking"]
        await self._staff("booking.confirm", booking=booked["id"], key=_key())
        await eventually(lambda: datetime.now(UTC) > start, what="the start")
        await self._staff("booking.no_show", booking=booked["id"], key=_key())
        await self._staff("booking.reinstate", booking=booked["id"], key=_key())

    async def ask_the_rest(self, api: Api, token: str) -> None:
        """Send the requests outside of the story, each to a calendar of its own, with their shortest fields."""
        for number, name in enumerate(name for name in EVERY_REQUEST if name not in self.asked):
            world = await make_world(api, f"rest-{number}", token)
            for ask in (self._ask, self._staff):
                await ask("calendar.subscribe", calendar=world.calendar)
            ask = self._staff if EVERY_REQUEST[name].wire.is_for_staff else self._ask
            await ask(name, **world.shortest(name))


def _has_all(changes: list[dict[str, Any]]) -> bool:
    return {change["type"] for change in changes} >= _CHANGES


@pytest.mark.parametrize("transport", [Sockets, Http])
async def test_every_answer_fits_its_schema(transport: Callable[..., Any], server: Server) -> None:
    """Each answer and each change has the described fields and no others."""
    token = server.command("token", "--scope", "owner").strip()
    async with transport(server.url, token) as speaker:
        story = _Story(speaker)
        await story.run()
        async with Api(server.url, token) as api:
            await story.ask_the_rest(api, token)
        if transport is Sockets:
            for changes in (speaker.changes, speaker.staff_changes):
                await eventually(partial(_has_all, changes), what=f"all of {_CHANGES}")


async def test_an_answer_without_a_socketio_request_fits_its_schema(server: Server) -> None:
    """The routes without a Socket.IO request answer with the described fields and no others."""
    token = server.command("token", "--scope", "owner").strip()
    async with Http(server.url, token) as speaker:
        [calendar, *_] = (await speaker.read("/api/calendars"))["calendars"]
        assert (await speaker.read(f"/api/calendars/{{id}} {calendar['id']}"))["info"] == calendar
        assert (await speaker.read("/api/calendars/{id}/schedule demo", is_staff=True))["schedule"] is None
        await speaker.ask("schedule.set", is_staff=True, calendar="demo", schedule=_HOURS)
        assert (await speaker.read("/api/calendars/{id}/schedule demo", is_staff=True))["schedule"] == _HOURS
        [slot, *_] = (await speaker.read("/api/calendars/{id}/slots demo"))["slots"]
        assert (await speaker.read(f"/api/slots/{{id}}/explain {slot['id']}"))["bookable"] is True
        assert (await speaker.read("/api/calendars/{id}/changes demo"))["changes"] == []
        for path in ("/healthz", "/livez", "/readyz"):
            await speaker.read(path)


def test_the_server_serves_its_descriptions(server: Server) -> None:
    """`/openapi.json` and `/asyncapi.json` are made from the code's own types."""
    for path, made in (("/openapi.json", openapi()), ("/asyncapi.json", asyncapi())):
        with urllib.request.urlopen(server.url + path, timeout=10) as response:
            assert json.load(response) == json.loads(json.dumps(made))
            assert response.headers["Access-Control-Allow-Origin"] == "*"
