"""Headers that set conditions: `If-Match`, `If-None-Match`, and a key where it means nothing."""

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support import Api, Server, new_key


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server."""
    with Server(tmp_path_factory.mktemp("api"), "--no-demo", "--rate", "0") as server:
        yield server


@pytest.fixture
async def api(served: Server) -> AsyncIterator[Api]:
    """Ask as staff."""
    async with Api(served.url, served.command("token", "--scope", "staff").strip()) as api:
        yield api


async def _slots(api: Api) -> list[dict[str, Any]]:
    """Open two slots in a calendar of their own."""
    name = f"c-{new_key().lower().replace('_', '-')}"
    await api.post("/api/calendars", id=name, name="Room", zone="UTC")
    start = (datetime.now(UTC) + timedelta(days=1)).replace(microsecond=0)
    times = [start + timedelta(hours=hour) for hour in range(3)]
    slots = [{"start": one.isoformat(), "end": (one + timedelta(hours=1)).isoformat()} for one in times]
    opened: list[dict[str, Any]] = (await api.post(f"/api/calendars/{name}/slots", slots=slots))["slots"]
    return [slot | {"calendar": name} for slot in opened]


async def test_if_match_star_is_any_version(api: Api) -> None:
    """As RFC 9110 says: the slot is there, whatever its version."""
    (slot, *_) = await _slots(api)
    for text, status in (("*", 200), (' "*" ', 400), (f'"{slot["version"] + 9}"', 412), ("*, *", 400)):
        answer = await api.ask("PATCH", f"/api/slots/{slot['id']}", {"capacity": 2}, headers={"If-Match": text})
        assert answer.status == status, text


async def test_if_none_match_star_is_any_content(api: Api) -> None:
    """A snapshot and a feed that are there are answered 304, with and without a room."""
    (slot, *_) = await _slots(api)
    calendar = slot["calendar"]
    for _ in range(2):
        for path in (f"/api/calendars/{calendar}/slots", f"/calendars/{calendar}.ics"):
            assert (await api.ask("GET", path, headers={"If-None-Match": "*"})).status == 304, path
        await api.get(f"/api/calendars/{calendar}/changes")  # makes a room
    assert (await api.ask("GET", "/api/calendars/nowhere/slots", headers={"If-None-Match": "*"})).status == 404


async def test_if_match_on_a_booking_is_its_version(api: Api) -> None:
    """Staff change the booking that they saw, and no other one."""
    first, second, _ = await _slots(api)
    customer = {"name": "Ada"}
    booked = (await api.ask("POST", f"/api/slots/{first['id']}/bookings", {"customer": customer}, key=new_key())).body
    path = f"/api/bookings/{booked['booking']['id']}"
    seen = (await api.get(path))["booking"]["version"]
    move = {"slot": second["id"]}
    wrong = await api.ask("POST", f"{path}/reschedule", move, key=new_key(), headers={"If-Match": f'"{seen + 1}"'})
    assert (wrong.code, wrong.body["details"]) == ("version_conflict", {"version": seen})
    done = await api.ask("POST", f"{path}/reschedule", move, key=new_key(), headers={"If-Match": f'"{seen}"'})
    assert done.status == 200
    assert (await api.ask("POST", f"{path}/erase", {}, headers={"If-Match": f'"{seen}"'})).code == "version_conflict"
    assert (await api.ask("POST", f"{path}/erase", {}, headers={"If-Match": "*"})).status == 200


async def test_a_key_where_nothing_changes_is_refused(api: Api) -> None:
    """On no read is a key ignored; Socket.IO refuses it as an unknown field."""
    (slot, *_) = await _slots(api)
    for method, path in (
        ("GET", f"/api/calendars/{slot['calendar']}"),
        ("GET", f"/api/calendars/{slot['calendar']}/slots"),
        ("GET", "/api/bookings/01977420-0000-7000-8000-000000000001"),
        ("POST", f"/api/calendars/{slot['calendar']}/links"),
    ):
        answer = await api.ask(method, path, key=new_key())
        assert (answer.code, answer.body["details"]) == ("bad_request", {"field": "Idempotency-Key"}), path
