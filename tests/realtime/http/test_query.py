"""A query has the parameters of its route: what is not one of them is refused, as an unknown field is."""

import pytest

from realtime.http.routes import COMMANDS, READS
from tests.realtime.http.conftest import status_and_code
from tests.support import Api

ROUTES = sorted({(one.method, one.path) for one in COMMANDS} | {(one.method, one.path) for one in READS})
SLOT = "01977420-0000-7000-8000-000000000001"


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_an_unknown_parameter_is_refused_on_every_route(api: Api, method: str, path: str) -> None:
    """The refusal names it, and nothing is done."""
    name = SLOT if "/calendars" not in path else "demo"
    answer = await api.ask(method, f"{path.replace('{id}', name)}?frm=2027-01-01", {})
    assert (answer.status, answer.code) == (400, "bad_request")
    assert answer.body["details"] == {"field": "frm"}


async def test_a_parameter_comes_once(api: Api) -> None:
    """Two values of one parameter leave no clear meaning."""
    answer = await api.ask("GET", "/api/calendars/demo/slots?from=2027-01-01T00:00:00Z&from=2028-01-01T00:00:00Z")
    assert (answer.status, answer.body["details"]) == (400, {"field": "from"})


async def test_a_page_takes_the_parameters_of_others(api: Api) -> None:
    """A link to it may have been through a newsletter."""
    for path in ("/", "/c/demo", "/staff"):
        assert (await api.ask("GET", f"{path}?utm_source=letter&utm_source=x")).status in {200, 503}


async def test_preview_is_1_or_0(api: Api) -> None:
    """Nothing else is taken for one of them."""
    hours = {"schedule": {"windows": [], "slot_minutes": 30, "from": "2027-01-01"}}
    for text, status in (("1", 200), ("true", 200), ("yes", 400), ("2", 400)):
        assert (await api.ask("PUT", f"/api/calendars/demo/schedule?preview={text}", hours)).status == status


async def test_beat_is_1_or_0(api: Api) -> None:
    """On every stream, before its head."""
    handshake = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    for path in ("/api/calendars/demo/events?", "/api/events?calendars=demo&"):
        assert (await api.ask("GET", f"{path}beat=yes")).body["details"] == {"field": "beat"}
    for path in ("/?", "/api/socket?", "/api/calendars/demo/socket?"):
        answer = await api.ask("GET", f"{path}beat=2", headers=handshake)
        assert (answer.status, answer.body["details"]) == (400, {"field": "beat"})


@pytest.mark.parametrize(
    "query",
    ["from=soon", "from=2027-01-01", "to=2001-01-01T00:00:00Z", "from=%00", "from=%ED%A0%80", "from=", "to=x" * 50,
     "from=2027-01-01T00:00:00%2B99:00", "from=9999-12-31T23:59:59Z", "from=9999-12-31T23:59:59-12:00",
     "from=0001-01-01T00:00:00%2B12:00", "from=0001-01-01T00:00:00Z&to=x"],
)  # fmt: skip
async def test_times_that_are_none(api: Api, query: str) -> None:
    """An unreadable window is bad_request, on every route."""
    for route in ("slots", "bookings"):
        answer = await api.ask("GET", f"/api/calendars/demo/{route}?{query}")
        assert status_and_code(answer) == (400, "bad_request"), answer


@pytest.mark.parametrize("wait", ["-1", "61", "x", "nan", "inf", "1e9", ""])
async def test_waits_that_are_none(api: Api, wait: str) -> None:
    """A long poll waits 0 to 60 seconds."""
    assert (await api.ask("GET", f"/api/calendars/demo/changes?wait={wait}")).code == "bad_request"
