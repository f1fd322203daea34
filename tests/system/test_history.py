"""The history on the wire: who reads it, its pages, and what it says of requests over both transports."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import STAFF, Api, Client
from tests.support.example import make_world
from tests.system.conftest import Place


async def test_only_staff_read_the_history(place: Place) -> None:
    """The staff of the calendar read it; a guest, a customer and the staff of another calendar do not."""
    customer = place.token("--calendars", "read")
    others = place.token("--scope", "staff", "--calendars", "other")
    async with Api(place.url, place.staff) as api:
        await make_world(api, "read")
        path = "/api/calendars/read/history"
        assert (await api.ask("GET", path)).status == 200
        for bearer, status in (("", 401), (customer, 403), (others, 403)):
            async with Api(place.url, bearer) as other:
                assert (await other.ask("GET", path)).status == status
        assert (await api.ask("GET", "/api/calendars/nowhere/history")).status == 404


async def test_the_history_has_requests_of_both_transports(place: Place) -> None:
    """Requests over HTTP and Socket.IO are in the history, with the name of the token."""
    async with Api(place.url, place.staff) as api, Client(place.url, token=place.staff, namespace=STAFF) as staff:
        world = await make_world(api, "both")
        await staff.ask("slot.close", slot=world.slot)
        asked = {"calendar": "both", "slot": world.slot}
        over_socket = await staff.ask("history.list", **asked)
        over_http = await api.get(f"/api/calendars/both/history?slot={world.slot}")
        assert over_socket == {"ok": True, **over_http}
        told = [(entry["command"], entry["actor"], entry["sub"]) for entry in over_http["entries"]]
        assert told == [("slot.close", "staff", "staff"), ("slot.open", "staff", "staff")]


async def test_the_history_comes_in_pages(place: Place) -> None:
    """`next` is the `before` of the next page, up to the last one, which has none."""
    async with Api(place.url, place.staff) as api:
        await make_world(api, "pages")
        seqs, query = [], "limit=2"
        while query:
            page: Any = await api.get(f"/api/calendars/pages/history?{query}")
            seqs += [entry["seq"] for entry in page["entries"]]
            query = f"limit=2&before={page['next']}" if "next" in page else ""
        assert seqs == [3, 2, 1]


@pytest.mark.parametrize("query", ["limit=0", "limit=201", "limit=x", "before=-1", "before=", "slot=", "a=1"])
async def test_a_malformed_page_is_refused(place: Place, query: str) -> None:
    """A parameter that is out of its bounds, or that there is not, is refused by its name."""
    async with Api(place.url, place.staff) as api:
        answer = await api.ask("GET", f"/api/calendars/any/history?{query}")
        assert (answer.status, answer.body["code"]) == (400, "bad_request")
        assert answer.body["details"]["field"] == query.partition("=")[0]
