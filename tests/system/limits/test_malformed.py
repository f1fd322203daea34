"""Malformed requests: each is answered, alike over Socket.IO and HTTP, and has no effect."""

from typing import Any

import aiohttp
import msgspec
import pytest

from models.contract.requests import EVERY_REQUEST
from tests.support import Api, Client
from tests.support.example import World
from tests.support.route import ROUTES, SOCKET_ONLY
from tests.system.both_transports import fits_http, over_http, over_socket
from tests.system.conftest import Place

HALF_A_PAIR = "\ud800"
MISFITS: list[Any] = [
    None, True, 5, -1, 1.5, 1e300, 10**30, "", "x", "\x00", HALF_A_PAIR, "é" * 1_000, "٣", [], ["x"], [[[[]]]], {},
    {"a": {"b": None}}, {HALF_A_PAIR: 1},
]  # fmt: skip
FREE = {"data"}  # whatever JSON it is
NEEDS_KEY = {name for name, kind in EVERY_REQUEST.items() if kind.wire.needs_key}


def _kind(value: Any) -> str:
    return {bool: "bool", int: "int", float: "float", str: "str", list: "list", dict: "dict"}.get(type(value), "null")


def _is_wrong(name: str, good: Any, value: Any) -> bool:
    """Return whether the field can't have this kind of JSON, or has a value outside of JSON."""
    if value in (HALF_A_PAIR, {HALF_A_PAIR: 1}):
        return True
    return name not in FREE and value is not None and _kind(good) != _kind(value)


def test_only_requests_about_a_connection_have_no_route() -> None:
    """Every other request can be sent over HTTP."""
    assert {"calendar.unsubscribe", "auth.refresh"} == SOCKET_ONLY


@pytest.mark.parametrize("name", EVERY_REQUEST)
async def test_misfits_in_every_field(name: str, world: World, api: Api, staff: Client) -> None:
    """For any value of a field the code is the same on both transports; a wrong type is bad_request."""
    good = world.request(name)
    # Values of a wrong type come first: the others may have an effect.
    cases = [(field, value) for field in good for value in MISFITS]
    cases.sort(key=lambda case: not _is_wrong(case[0], good[case[0]], case[1]))
    for field, value in cases:
        said = await over_socket(staff, name, {**good, field: value})
        where = f"{name}.{field} = {value!r}"
        assert said != "internal", where
        if _is_wrong(field, good[field], value):
            assert said == "bad_request", where
        if fits_http(name, field, value):
            answer = await over_http(api, name, {**good, field: value})
            assert answer.code == said, f"{where}: {answer}"
    assert staff.disconnects == 0


@pytest.mark.parametrize("name", EVERY_REQUEST)
async def test_fields_that_are_missing_or_unknown(name: str, world: World, api: Api, staff: Client) -> None:
    """A field too many is bad_request; one too few is too, unless it may be left out."""
    good = world.request(name)
    assert await over_socket(staff, name, {**good, "surprise": 1}) == "bad_request"
    if name not in SOCKET_ONLY and ROUTES[name][0] != "GET":
        assert (await over_http(api, name, {**good, "surprise": 1})).code == "bad_request"
    fields = msgspec.structs.fields(EVERY_REQUEST[name])
    required = [one.encode_name for one in fields if one.required or (one.name == "key" and name in NEEDS_KEY)]
    for field in required:
        less = {other: value for other, value in good.items() if other != field}
        assert await over_socket(staff, name, less) == "bad_request", field
        if name not in SOCKET_ONLY and field != ROUTES[name][2]:
            assert (await over_http(api, name, less)).code == "bad_request", field
    seq = (await api.get(f"/api/calendars/{world.calendar}/slots"))["seq"]
    assert seq == world.seq


def _required(name: str) -> list[str]:
    return [field.name for field in msgspec.structs.fields(EVERY_REQUEST[name]) if field.required]


@pytest.mark.parametrize(
    "arguments",
    [[], ["x"], [None], [5], [[]], [[{}]], [{}, {}], [{"calendar": "x"}, 1, 2, 3]],
    ids=["none", "text", "null", "number", "array", "object in array", "two objects", "four"],
)
async def test_arguments_that_are_no_object(arguments: list[Any], staff: Client) -> None:
    """A request has one argument, an object; anything else is bad_request, for every request and for unknown ones."""
    for name in [*EVERY_REQUEST, "slot.steal", "ticket", "message", HALF_A_PAIR, "x" * 5_000]:
        if not arguments and name in EVERY_REQUEST and not _required(name):
            continue  # a request without required fields may have no argument
        answer = await staff.send(name, *arguments)
        assert (answer["ok"], answer["error"]["code"]) == (False, "bad_request"), (name, answer)


async def test_requests_that_cannot_be_read(place: Place) -> None:
    """Every request with an ack is answered, over Socket.IO as over HTTP, also malformed JSON."""
    url = f"{place.url}/socket.io/?EIO=4&transport=websocket"
    async with aiohttp.ClientSession() as http, http.ws_connect(url) as socket:
        await socket.receive()
        await socket.send_str("40/calendars,")
        await socket.receive()
        for payload in ("", "[", "{}", "[NaN]", '["slot.book",NaN]', "[" + "9" * 5_000 + "]", "[" * 5_000):
            await socket.send_str(f"42/calendars,7{payload}")
            answer = await socket.receive_str()
            assert answer.startswith('43/calendars,7[{"ok":false,"error":{"code":"bad_request",'), payload


@pytest.mark.parametrize("field", ["customer", "hold"])
async def test_misfits_deeper_down(field: str, world: World, api: Api, staff: Client) -> None:
    """The fields of an inner object are validated as strictly."""
    good = world.request("slot.book")
    for name in good[field]:
        for value in MISFITS:
            fields = {**good, field: {**good[field], name: value}}
            said = await over_socket(staff, "slot.book", fields)
            assert said != "internal"
            if _is_wrong(name, "", value):
                assert said == "bad_request", (name, value)
            assert (await over_http(api, "slot.book", fields)).code == said, (name, value)
    fields = {**good, field: {**good[field], "surprise": 1}}
    assert await over_socket(staff, "slot.book", fields) == "bad_request"


async def test_misfits_in_new_slots(world: World, api: Api, staff: Client) -> None:
    """One bad slot among good ones opens none."""
    good = world.request("slot.open")
    first = good["slots"][0]
    bad = [{**first, name: value} for name in first for value in MISFITS if _is_wrong(name, first[name], value)]
    bad += [{**first, "surprise": 1}, {"start": first["start"]}, {}]
    for slot in bad:
        fields = {**good, "slots": [first, slot]}
        assert await over_socket(staff, "slot.open", fields) == "bad_request", slot
        assert (await over_http(api, "slot.open", fields)).code == "bad_request", slot
    assert (await api.get(f"/api/calendars/{world.calendar}/slots"))["seq"] == world.seq
