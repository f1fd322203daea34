"""What a real server answers fits what it says of itself, on both transports."""

import json
import urllib.request
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from models.contract.changes import Type
from models.contract.commands import EVERY_REQUEST
from realtime.describe.asyncapi import asyncapi
from realtime.describe.openapi import openapi
from tests.docs.ask import Http, Sockets
from tests.support import Server, eventually

# What happens in the story and is told; a hold takes too long to lapse for it.
_TOLD = set(Type) - {Type.SLOT_EXPIRED, Type.CALENDAR_ARCHIVED, Type.CALENDAR_RESTORED}
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
    """Every request once or more, each answer held to its schema by `speaker`."""

    def __init__(self, speaker: Any, token: str) -> None:
        self._speaker, self._token = speaker, token
        self.told: set[str] = set()

    async def _ask(self, name: str, /, **fields: Any) -> Any:
        self.told.add(name)
        return await self._speaker.ask(name, **fields)

    async def _staff(self, name: str, /, **fields: Any) -> Any:
        return await self._ask(name, is_staff=True, **fields)

    async def run(self) -> None:
        await self._staff("calendar.create", id="room", name="Room", zone="Europe/Vienna", key=_key())
        await self._ask("calendar.subscribe", calendar="room")
        await self._staff("calendar.subscribe", calendar="room")
        await self._staff("calendar.update", id="room", name="Room 1", policy={"cancel_notice": 60}, key=_key())
        await self._ask("auth.refresh", token=self._token)
        slots = await self._slots()
        await self._holds(slots)
        await self._bookings(slots)
        await self._ask("calendar.subscribe", calendar="room", **{"from": "2033-01-01T00:00:00Z"})
        await self._staff("calendar.subscribe", calendar="room", **{"from": "2033-01-01T00:00:00Z"})
        await self._schedule()
        await self._ask("calendar.unsubscribe", calendar="room")
        await self._staff("calendar.link", calendar="room", lifetime_seconds=3_600)
        await self._staff("calendar.create", id="old", name="Old", zone="UTC")
        await self._staff("calendar.archive", id="old", key=_key())
        await self._staff("calendar.restore", id="old", key=_key())

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
        await self._staff("slot.close", slot=ids[0], key=_key())
        await self._staff("slot.reopen", slot=ids[0], key=_key())
        await self._staff("slot.remove", slot=ids[0], key=_key())
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
        await self._staff("booking.list", calendar="room", **{"from": "2033-01-01T00:00:00Z"})
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
        """Somebody does not come to what begins in a moment, and then comes after all."""
        start = datetime.now(UTC) + timedelta(seconds=4)
        times = {"start": start.isoformat(), "end": (start + timedelta(hours=1)).isoformat()}
        opened = (await self._staff("slot.open", calendar="room", slots=[times], key=_key()))["slots"]
        booked = (await self._staff("slot.book", slot=opened[0]["id"], customer=_CUSTOMER, key=_key()))["booking"]
        await self._staff("booking.confirm", booking=booked["id"], key=_key())
        await eventually(lambda: datetime.now(UTC) > start, what="the start")
        await self._staff("booking.no_show", booking=booked["id"], key=_key())
        await self._staff("booking.reinstate", booking=booked["id"], key=_key())


def _has_heard_all(changes: list[dict[str, Any]]) -> bool:
    return {change["type"] for change in changes} >= _TOLD


@pytest.mark.parametrize("transport", [Sockets, Http])
async def test_every_answer_fits_its_schema(transport: Callable[..., Any], server: Server) -> None:
    """Each request is answered with the fields that are described and no others, and so is each change."""
    token = server.command("token", "--scope", "staff").strip()
    async with transport(server.url, token) as speaker:
        story = _Story(speaker, token)
        await story.run()
        if transport is Sockets:
            for told in (speaker.changes, speaker.staff_changes):
                await eventually(partial(_has_heard_all, told), what=f"all of {_TOLD}")
    assert story.told == set(EVERY_REQUEST), "a request without its place in this story"


async def test_what_only_http_reads_fits_its_schema(server: Server) -> None:
    """The routes that Socket.IO has no request for answer with the fields that are described and no others."""
    token = server.command("token", "--scope", "staff").strip()
    async with Http(server.url, token) as speaker:
        [calendar, *_] = (await speaker.read("/api/calendars"))["calendars"]
        assert (await speaker.read(f"/api/calendars/{{id}} {calendar['id']}"))["info"] == calendar
        assert (await speaker.read("/api/calendars/{id}/schedule demo", is_staff=True))["schedule"] is None
        await speaker.ask("schedule.set", is_staff=True, calendar="demo", schedule=_HOURS)
        assert (await speaker.read("/api/calendars/{id}/schedule demo", is_staff=True))["schedule"] == _HOURS
        [slot, *_] = (await speaker.read("/api/calendars/{id}/slots demo"))["slots"]
        assert (await speaker.read(f"/api/slots/{{id}}/explain {slot['id']}"))["bookable"] is True
        assert (await speaker.read("/api/calendars/{id}/changes demo"))["changes"] == []
        for path in ("/healthz", "/readyz"):
            await speaker.read(path)


def test_the_server_serves_its_descriptions(server: Server) -> None:
    """`/openapi.json` and `/asyncapi.json` are what the code makes of its own types."""
    for path, made in (("/openapi.json", openapi()), ("/asyncapi.json", asyncapi())):
        with urllib.request.urlopen(server.url + path, timeout=10) as response:
            assert json.load(response) == json.loads(json.dumps(made))
            assert response.headers["Access-Control-Allow-Origin"] == "*"
