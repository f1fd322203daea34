"""Headers: conditions such as `If-Match`, odd values, and a key where it means nothing."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.support import Api, Server, new_key


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


async def test_headers_that_are_none(served: Server, api: Api, slot: str) -> None:
    """Odd headers are refused or passed over; none of them is worth an error of the server's."""
    path = f"/api/slots/{slot}"
    for version in ("x", '"x"', "-1", '"1", "2"', "9" * 17, "\udcff"):
        answer = await api.ask("POST", f"{path}/close", headers={"If-Match": version})
        assert answer.code == "bad_request", version
    assert (await api.ask("POST", f"{path}/close", headers={"If-Match": '"999999"'})).code == "version_conflict"
    for key in ("\udcff" * 30, "k" * 201):
        answer = await api.ask("POST", f"{path}/holds", headers={"Idempotency-Key": key})
        assert answer.code == "bad_request", key
    answer = await api.ask("POST", f"{path}/holds", {"key": new_key()}, key=new_key())
    assert answer.code == "bad_request", "the body says another key than the header"
    for name in ("X-Request-ID", "X-Forwarded-For", "Last-Event-ID", "If-None-Match", "Range", "Expect"):
        for value in ("\udcff", "x" * 2_000, "1, 2; 3", "100-continue" if name == "Expect" else "bytes=0-"):
            answer = await api.ask("GET", "/api/calendars", headers={name: value})
            assert answer.status in {200, 417}, (name, value)
            assert answer.headers.get("X-Request-ID", "") != value


async def test_an_etag(api: Api, slot: str) -> None:
    """A snapshot's ETag holds as long as its slots do."""
    name = [info["id"] for info in (await api.get("/api/calendars"))["calendars"]][-1]
    path = f"/api/calendars/{name}/slots"
    first = await api.ask("GET", path)
    mark = first.headers["ETag"]
    same = await api.ask("GET", path, headers={"If-None-Match": mark})
    assert (same.status, same.raw, same.headers["ETag"]) == (304, b"", mark)
    await api.ask("PATCH", f"/api/calendars/{name}", {"name": "Another"})
    assert (await api.ask("GET", path, headers={"If-None-Match": mark})).status == 200
