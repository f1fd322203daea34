"""`booking.list` over all calendars and `customer.erase`: both transports, and the calendars of each token."""

from itertools import count
from typing import Any

import pytest

from tests.support import STAFF, Api, Client, Server
from tests.support.example import in_days

_names = count()


def _token(served: Server, *calendars: str) -> str:
    return served.command("token", "--scope", "staff", "--calendars", ",".join(calendars)).strip()


async def _calendar(api: Api, *emails: str) -> tuple[str, list[str]]:
    """Make a calendar with a booking of each address."""
    name = f"b-{next(_names)}"
    await api.post("/api/calendars", id=name, name="Room", zone="UTC")
    slots = [{"start": in_days(day + 1), "end": in_days(day + 1.5)} for day in range(len(emails))]
    opened = (await api.post(f"/api/calendars/{name}/slots", slots=slots))["slots"]
    made = []
    for slot, email in zip(opened, emails, strict=True):
        customer = {"name": "Zoë Müller", "email": email}
        made.append((await api.post(f"/api/slots/{slot['id']}/bookings", customer=customer))["booking"]["id"])
    return name, made


def _ids(answer: Any) -> list[str]:
    return [booking["id"] for booking in answer["bookings"]]


async def test_a_search_is_in_the_calendars_of_the_token(api: Api, served: Server) -> None:
    """Over HTTP and Socket.IO the same; another calendar's bookings are in no answer, and asking for it is refused."""
    (mine, (first, second)), (other, (theirs,)) = (
        await _calendar(api, "a@x.org", "b@x.org"),
        await _calendar(api, "c@x.org"),
    )
    token = _token(served, mine)
    async with Api(served.url, token) as one, Client(served.url, token=token, namespace=STAFF) as client:
        for query, found in (
            ("", [second, first]),
            ("?q=ZO%C3%8B+M%C3%9CLLER", [second, first]),
            ("?q=a%40x", [first]),
            (f"?calendar={mine}&status=confirmed", [second, first]),
            ("?status=cancelled", []),
            (f"?updated_after={in_days(1)}", []),
            (f"?from={in_days(1.8)}", [second]),
        ):
            assert _ids(await one.get(f"/api/bookings{query}")) == found, query
        assert (await one.ask("GET", f"/api/bookings?calendar={other}")).code == "forbidden"
        answer = await client.ask("booking.list", q="müller", limit=1)
        assert _ids(answer) == [second]
        assert _ids(await client.ask("booking.list", page=answer["next_page"])) == [first]
        assert answer["bookings"][0]["start"] < answer["bookings"][0]["end"]
        assert _ids(await one.get(f"/api/calendars/{mine}/bookings")) == [first, second], "the older form stays"
        assert _ids(await one.get(f"/api/calendars/{mine}/bookings?limit=5")) == [second, first]
    assert {first, second, theirs} <= set(_ids(await api.get("/api/bookings?limit=500")))


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("q=", "q"),
        ("q=%20", "q"),
        ("q=" + "x" * 201, "q"),
        ("status=gone", "status"),
        ("limit=0", "limit"),
        ("limit=501", "limit"),
        ("limit=ten", "limit"),
        ("page=x", "page"),
        ("page=" + "x" * 101, "page"),
        ("updated_after=lately", "updated_after"),
        ("from=soon", "from"),
        ("from=2027-01-02T00:00:00Z&to=2027-01-02T00:00:00Z", "to"),
        ("calendar=A", "calendar"),
        ("token=x", "token"),
    ],
)
async def test_a_bad_query_names_its_field(api: Api, query: str, field: str) -> None:
    """Every parameter is bounded."""
    answer = await api.ask("GET", f"/api/bookings?{query}")
    assert (answer.code, answer.body["details"]["field"]) == ("bad_request", field)


async def test_an_unknown_calendar_is_not_found(api: Api) -> None:
    """Staff of all calendars get `not_found` for an unknown calendar, in a search and for an erasure."""
    assert (await api.ask("GET", "/api/bookings?calendar=nowhere-at-all")).code == "not_found"
    fields = {"email": "a@x.org", "calendar": "nowhere-at-all"}
    assert (await api.ask("POST", "/api/customers/erase", fields)).code == "not_found"


async def test_guests_search_and_erase_nothing(served: Server) -> None:
    """A caller without a token and a guest with one are refused."""
    for token, code in (("", "unauthorized"), (served.command("token", "--calendars", "*").strip(), "forbidden")):
        async with Api(served.url, token) as guest, Client(served.url, token=token) as client:
            assert (await guest.ask("GET", "/api/bookings")).code == code
            assert (await guest.ask("POST", "/api/customers/erase", {"email": "a@x.org"})).code == code
            assert (await client.ask("booking.list"))["error"]["code"] == code
            assert (await client.ask("customer.erase", email="a@x.org"))["error"]["code"] == code


async def test_an_address_is_erased_in_the_calendars_of_the_token(api: Api, served: Server) -> None:
    """The answer has the counts, staff hear the change, the log has no address, and a repetition erases nothing."""
    (mine, made), (_, (theirs,)) = (
        await _calendar(api, "eve@x.org", "EVE@x.org", "bob@x.org"),
        await _calendar(api, "eve@x.org"),
    )
    token = _token(served, mine)
    async with Client(served.url, token=token, namespace=STAFF) as client, Api(served.url, token) as one:
        await client.watch(mine)
        path, fields = "/api/customers/erase", {"email": " eve@X.org "}
        answer = await one.ask("POST", path, fields)
        assert (answer.status, answer.body) == (200, {"erased": 2, "calendars": 1})
        assert (await client.ask("customer.erase", **fields))["erased"] == 0
        told = client.changes[-1]["bookings"]
        assert {booking["id"]: booking["customer"] for booking in told} == dict.fromkeys(made[:2])
        assert (await one.ask("POST", path, {"email": " "})).body["details"] == {"field": "email"}
    assert (await api.get(f"/api/bookings/{theirs}"))["booking"]["customer"]["email"] == "eve@x.org"
    assert (await api.get(f"/api/bookings/{made[2]}"))["booking"]["customer"]["email"] == "bob@x.org"
    assert "Erased the customer of 2 bookings in 1 calendars" in served.log
    assert "eve@" not in served.log.lower()
