"""Well-formed requests that can't be done: each has its one code, over Socket.IO and HTTP alike."""

from collections.abc import Callable
from typing import Any

from tests.support import Api, Client, new_key
from tests.support.example import NOWHERE, World, in_days
from tests.system.both_transports import CODES, over_http, over_socket
from tests.system.conftest import Place

Change = Callable[[World], dict[str, Any]]
PLACE = {"start": in_days(5), "end": in_days(6)}


def _slots(**fields: Any) -> Change:
    return lambda _: {"slots": [{**PLACE, **fields}]}


def _is(**fields: Any) -> Change:
    return lambda _: fields


def _of_its_version(**fields: Any) -> Change:
    """Name the version of the world's booking, which was its last change."""
    return lambda world: {"if_version": world.seq, **fields}


# Requests of staff, the wrong field, and the code.
BY_STAFF: list[tuple[str, Change, str]] = [
    ("calendar.create", _is(id="Bad Slug"), "bad_request"),
    ("calendar.create", _is(id="-room"), "bad_request"),
    ("calendar.create", _is(id="r" * 64), "bad_request"),
    ("calendar.create", _is(zone="Mars/Olympus"), "bad_request"),
    ("calendar.create", _is(zone="../../etc/passwd"), "bad_request"),
    ("calendar.create", _is(visibility="secret"), "bad_request"),
    ("calendar.create", _is(policy={"hold_seconds": 29}), "bad_request"),
    ("calendar.create", _is(policy={"hold_seconds": 1801}), "bad_request"),
    ("calendar.create", _is(policy={"max_holds": 10**9}), "bad_request"),
    ("calendar.create", _is(policy={"min_notice": -1}), "bad_request"),
    ("calendar.create", _is(policy={"mercy": 1}), "bad_request"),
    ("calendar.create", lambda world: {"id": world.calendar}, "already_exists"),
    ("calendar.update", _is(id="nowhere"), "not_found"),
    ("calendar.update", _is(policy={"overlap": "maybe"}), "bad_request"),
    ("calendar.archive", _is(id="nowhere"), "not_found"),
    ("calendar.archive", _is(), "invalid_transition"),
    ("slot.open", _is(calendar="nowhere"), "not_found"),
    ("slot.open", _is(slots=[]), "bad_request"),
    ("slot.open", _is(slots=[PLACE] * 201), "bad_request"),
    ("slot.open", _slots(end=PLACE["start"]), "bad_request"),
    ("slot.open", _slots(start="2027-02-30T09:00:00Z"), "bad_request"),
    ("slot.open", _slots(start="2027-01-31T09:00:00"), "bad_request"),
    ("slot.open", _slots(start="2027-01-31"), "bad_request"),
    ("slot.open", _slots(start="0000-01-01T00:00:00Z"), "bad_request"),
    ("slot.open", _slots(start="9999-12-31T23:59:60Z"), "bad_request"),
    ("slot.open", _slots(capacity=0), "bad_request"),
    ("slot.open", _slots(capacity=10_001), "bad_request"),
    ("slot.update", _is(slot=NOWHERE), "not_found"),
    ("slot.update", _is(slot="room"), "not_found"),
    ("slot.update", _is(if_version=1 << 40), "version_conflict"),
    ("slot.update", _is(if_version=-1), "bad_request"),
    ("slot.update", lambda world: {"slot": world.booked, "if_version": None}, "invalid_transition"),
    ("slot.close", _is(if_version=1 << 40), "version_conflict"),
    ("slot.close", _is(slot=NOWHERE), "not_found"),
    ("slot.reopen", _is(if_version=None), "ok"),
    ("slot.remove", lambda world: {"slot": world.booked, "if_version": None}, "invalid_transition"),
    ("slot.remove", lambda world: {"slot": world.held, "if_version": None}, "invalid_transition"),
    ("slot.remove", _is(slot=NOWHERE), "not_found"),
    ("booking.list", _is(calendar="nowhere"), "not_found"),
    ("booking.list", _is(to=in_days(-1)), "bad_request"),
    ("booking.list", _is(limit=0), "bad_request"),
    ("history.list", _is(calendar="nowhere"), "not_found"),
    ("history.list", _is(limit=201), "bad_request"),
    ("history.list", _is(slot=NOWHERE), "ok"),
    ("booking.get", _is(booking=NOWHERE), "not_found"),
    ("booking.cancel", _is(booking=NOWHERE), "not_found"),
    ("slot.book", _is(hold=None, override=True), "ok"),
    ("slot.book", _is(override="yes"), "bad_request"),
    ("booking.update", _is(seats=0), "bad_request"),
    ("booking.update", _is(customer={"nickname": "A"}), "bad_request"),
    ("booking.update", _is(booking=NOWHERE), "not_found"),
    ("booking.reinstate", _is(), "version_conflict"),
    ("booking.reinstate", _of_its_version(), "ok"),
    ("booking.update", _is(), "version_conflict"),
    ("calendar.restore", _is(id="nowhere"), "not_found"),
    ("calendar.create", _is(policy={"pending_seconds": 59}), "bad_request"),
]  # fmt: skip

# Requests of guests.
BY_GUESTS: list[tuple[str, Change, str]] = [
    ("calendar.subscribe", _is(calendar="nowhere"), "unauthorized"),
    ("calendar.subscribe", _is(calendar="Bad Slug"), "bad_request"),
    ("calendar.subscribe", _is(to=in_days(-1)), "bad_request"),
    ("calendar.subscribe", lambda _: {"from": "soon"}, "bad_request"),
    ("slot.hold", _is(slot=NOWHERE), "not_found"),
    ("slot.hold", lambda world: {"slot": world.held}, "slot_unavailable"),
    ("slot.hold", lambda world: {"slot": world.booked}, "slot_unavailable"),
    ("slot.hold", _is(seats=0), "bad_request"),
    ("slot.hold", _is(override=True), "unauthorized"),
    ("slot.book", _is(override=True), "unauthorized"),
    ("booking.reschedule", _of_its_version(override=True), "unauthorized"),
    ("booking.update", _is(override=True), "unauthorized"),
    ("booking.update", _of_its_version(seats=9), "capacity_exceeded"),
    ("booking.update", _of_its_version(customer={"email": "ada"}), "bad_request"),
    ("slot.hold", _is(seats=2), "capacity_exceeded"),
    ("slot.hold", _is(key="too-short"), "bad_request"),
    ("slot.hold", _is(key="k" * 201), "bad_request"),
    ("hold.extend", _is(hold=NOWHERE), "not_found"),
    ("hold.extend", _is(token="wrong"), "hold_not_yours"),
    ("hold.extend", lambda world: {"token": world.booking["token"]}, "hold_not_yours"),
    ("hold.release", _is(token=""), "hold_not_yours"),
    ("hold.release", _is(token="é"), "hold_not_yours"),
    ("slot.book", _is(slot=NOWHERE), "not_found"),
    ("slot.book", lambda world: {"hold": {"id": world.hold["id"], "token": "wrong"}}, "hold_not_yours"),
    ("slot.book", lambda world: {"hold": {"id": NOWHERE, "token": world.hold["token"]}}, "not_found"),
    ("slot.book", lambda world: {"slot": world.booked, "hold": None}, "slot_unavailable"),
    ("slot.book", _is(seats=2), "bad_request"),
    ("slot.book", _is(customer={"name": ""}), "bad_request"),
    ("slot.book", _is(customer={"name": "n" * 201}), "bad_request"),
    ("slot.book", _is(customer={"name": "Ada", "email": "e" * 255}), "bad_request"),
    ("slot.book", _is(customer={"name": "Ada", "note": "n" * 2_001}), "bad_request"),
    ("booking.get", _is(token="wrong"), "forbidden"),
    ("booking.get", lambda world: {"token": world.hold["token"]}, "forbidden"),
    ("booking.get", _is(token=""), "unauthorized"),
    ("booking.get", _is(booking=NOWHERE), "not_found"),
    ("booking.cancel", _is(token="wrong"), "forbidden"),
    ("booking.cancel", _is(token="é"), "forbidden"),
    ("booking.cancel", _is(booking=NOWHERE), "not_found"),
]  # fmt: skip


async def _check(cases: list[tuple[str, Change, str]], world: World, api: Api, client: Client) -> None:
    for name, change, code in cases:
        fields = {**world.request(name), **change(world)}
        said = await over_socket(client, name, fields), (await over_http(api, name, fields)).code
        assert said == (code, code), (name, fields)


async def test_refusals_to_staff(world: World, api: Api, staff: Client) -> None:
    """The code of each refusal to staff, the same over Socket.IO and HTTP."""
    await _check(BY_STAFF, world, api, staff)


async def test_refusals_to_guests(place: Place, world: World, guest: Api) -> None:
    """The code of each refusal to guests, the same over Socket.IO and HTTP; and the calendar has not moved."""
    async with Client(place.url) as client:
        await _check(BY_GUESTS, world, guest, client)
    assert (await guest.get(f"/api/calendars/{world.calendar}/slots"))["seq"] == world.seq


async def test_status_and_shape_of_a_problem(world: World, api: Api) -> None:
    """A refusal over HTTP is problem details with its code's status, and a request id."""
    for name, change, code in BY_STAFF:
        answer = await over_http(api, name, {**world.request(name), **change(world)})
        if code != "ok":
            assert (answer.code, answer.status) == (code, CODES[code])
            assert answer.body.keys() >= {"type", "title", "status", "detail", "code", "message", "retryable"}
        assert answer.headers["X-Request-ID"]


async def test_a_key_stands_for_one_command(place: Place, world: World, api: Api, staff: Client) -> None:
    """The same key with another command, or other fields, is idempotency_mismatch, wherever it comes from."""
    key = new_key()
    fields = {**world.request("slot.hold"), "key": key}
    assert await over_socket(staff, "slot.hold", fields) == "ok"
    for name, other in (("slot.hold", {"slot": world.held}), ("slot.book", {"slot": world.slot, "hold": None})):
        asked = {**world.request(name), **other, "key": key}
        assert await over_socket(staff, name, asked) == "idempotency_mismatch"
        assert (await over_http(api, name, asked)).code == "idempotency_mismatch"


async def test_limits_and_states(place: Place, api: Api, guest: Api) -> None:
    """Too many holds, a closed slot, an archived calendar and the rules of a policy each refuse in their own word."""
    policy = {"max_holds": 1, "min_notice": 5 * 86_400, "max_advance": 20 * 86_400}
    await api.post("/api/calendars", id="strict", name="Strict", zone="UTC", policy=policy)
    places = [{"start": in_days(days), "end": in_days(days + 0.1)} for days in (2, 10, 11, 12, 30, -1)]
    slots = await api.post("/api/calendars/strict/slots", slots=places)
    soon, fine, fuller, closed, far, past = (slot["id"] for slot in slots["slots"])
    assert (await api.ask("POST", f"/api/slots/{closed}/close")).code == "ok"
    async with Client(place.url) as client:
        await client.watch("strict")
        for slot, code in (
            (soon, "too_soon"), (past, "too_soon"), (far, "too_far"), (closed, "slot_unavailable"),
            (fine, "ok"), (fuller, "limit_exceeded"),
        ):  # fmt: skip
            fields = {"slot": slot, "key": new_key()}
            said = await over_socket(client, "slot.hold", fields), (await over_http(guest, "slot.hold", fields)).code
            assert said == (code, code)
