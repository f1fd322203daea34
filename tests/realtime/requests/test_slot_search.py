"""`GET /api/slots`: its pages, its validators, its rights, and the same over Socket.IO."""

from collections.abc import AsyncIterator, Iterator
from itertools import count
from typing import Any

import pytest

from tests.support import Api, Client, Server, new_key
from tests.support.example import in_days

_names = count()


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server."""
    with Server(tmp_path_factory.mktemp("slots"), "--no-demo", "--rate", "0") as server:
        yield server


@pytest.fixture
async def api(served: Server) -> AsyncIterator[Api]:
    """Ask as staff."""
    async with Api(served.url, served.command("token", "--scope", "staff").strip()) as api:
        yield api


async def _calendar(api: Api, *days: float, capacity: int = 1, **info: Any) -> tuple[str, list[str]]:
    """Make a calendar with a slot on each of these days."""
    name = f"c-{next(_names)}"
    await api.post("/api/calendars", id=name, name="Room", zone="UTC", **info)
    slots = [{"start": in_days(day), "end": in_days(day + 0.01), "capacity": capacity} for day in days]
    opened = (await api.post(f"/api/calendars/{name}/slots", slots=slots))["slots"]
    return name, [slot["id"] for slot in opened]


async def _ids(api: Api, query: str) -> list[str]:
    return [slot["id"] for slot in (await api.get(f"/api/slots?{query}"))["slots"]]


async def test_the_slots_of_several_calendars_come_by_start(api: Api) -> None:
    """Each with its calendar; a page goes on where the one before has ended, and repeats change nothing."""
    (one, (a, c)), (other, (b, d)) = await _calendar(api, 1, 3, capacity=2), await _calendar(api, 2, 4)
    query = f"calendars={other},{one},{other}"
    answer = await api.get(f"/api/slots?{query}")
    assert [(slot["id"], slot["calendar"]) for slot in answer["slots"]] == [(a, one), (b, other), (c, one), (d, other)]
    assert answer["cursors"].keys() == {one, other}
    assert "next_page" not in answer
    seen: list[str] = []
    page: str | None = ""
    while page is not None:
        answer = await api.get(f"/api/slots?{query}&limit=1{page and f'&page={page}'}")
        seen += [slot["id"] for slot in answer["slots"]]
        page = answer.get("next_page")
    assert seen == [a, b, c, d]
    assert await _ids(api, f"{query}&bookable=1&seats=2") == [a, c]
    assert await _ids(api, f"{query}&to={in_days(2.5)}".replace("+", "%2B")) == [a, b]


async def test_its_etag_names_the_content(api: Api) -> None:
    """304 until something changes in any of the calendars, also with the default window, which moves on."""
    (one, (a,)), (other, _) = await _calendar(api, 1), await _calendar(api, 2)
    for window in ("", f"&from={in_days(0)}&to={in_days(9)}"):
        path = f"/api/slots?calendars={one},{other}{window}"
        etag = (await api.ask("GET", path)).headers["ETag"]
        again = await api.ask("GET", path, headers={"If-None-Match": etag})
        assert (again.status, again.headers["ETag"]) == (304, etag)
        assert (await api.ask("GET", path, headers={"If-None-Match": "*"})).status == 304
        await api.post(f"/api/slots/{a}/close" if not window else f"/api/slots/{a}/reopen")
        changed = await api.ask("GET", path, headers={"If-None-Match": etag})
        assert changed.status == 200
        assert changed.headers["ETag"] != etag


async def test_a_private_calendar_answers_as_an_unknown_one(api: Api, served: Server) -> None:
    """Beside a public one, and on both transports; whoever may see it gets its slots."""
    public, _ = await _calendar(api, 1)
    private, slots = await _calendar(api, 2, visibility="private")
    mine = served.command("token", "--calendars", private).strip()
    for token, code in (("", "unauthorized"), (served.command("token").strip(), "forbidden")):
        async with Api(served.url, token) as guest, Client(served.url, token=token) as client:
            told = [
                await guest.ask("GET", f"/api/slots?calendars={public},{name}") for name in (private, "nowhere-at-all")
            ]
            assert told[0].code == code
            assert (told[0].status, told[0].body) == (told[1].status, told[1].body)
            said = [await client.ask("slot.list", calendars=[public, name]) for name in (private, "nowhere-at-all")]
            assert said[0] == said[1]
            assert said[0]["error"]["code"] == code
    async with Api(served.url, mine) as named, Client(served.url, token=mine) as client:
        assert slots[0] in await _ids(named, f"calendars={public},{private}")
        answer = await client.ask("slot.list", calendars=[private], bookable=True)
        assert [slot["id"] for slot in answer["slots"]] == slots
        assert (await named.ask("GET", "/api/slots?calendars=nowhere-at-all")).code == "forbidden"
    assert (await api.ask("GET", "/api/slots?calendars=nowhere-at-all")).code == "not_found"


async def test_a_calendar_made_private_is_hidden_at_once(api: Api, served: Server) -> None:
    """Also where the page is kept."""
    name, slots = await _calendar(api, 1)
    async with Api(served.url) as guest:
        path = f"/api/slots?calendars={name}&from={in_days(0)}&to={in_days(9)}"
        assert [slot["id"] for slot in (await guest.get(path))["slots"]] == slots
        await api.ask("PATCH", f"/api/calendars/{name}", {"visibility": "private"}, key=new_key())
        assert (await guest.ask("GET", path)).code == "unauthorized"


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "calendars"),
        ("calendars=", "calendars"),
        ("calendars=a,,b", "calendars"),
        ("calendars=A", "calendars"),
        ("calendars=" + ",".join(f"c{number}" for number in range(51)), "calendars"),
        ("calendars=a&bookable=yes", "bookable"),
        ("calendars=a&seats=0", "seats"),
        ("calendars=a&seats=many", "seats"),
        ("calendars=a&limit=0", "limit"),
        ("calendars=a&limit=1001", "limit"),
        ("calendars=a&page=x", "page"),
        ("calendars=a&from=soon", "from"),
        ("calendars=a&from=2027-01-02T00:00:00Z&to=2027-01-01T00:00:00Z", "to"),
        ("calendars=a&when=now", "when"),
    ],
)
async def test_a_bad_query_names_its_field(api: Api, query: str, field: str) -> None:
    """Every parameter is bounded."""
    if "page=" in query:
        name, _ = await _calendar(api, 1)
        query = query.replace("calendars=a", f"calendars={name}")
    answer = await api.ask("GET", f"/api/slots?{query}")
    assert answer.code == "bad_request", answer.body
    assert answer.body["details"]["field"].startswith(field), answer.body
