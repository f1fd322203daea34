"""The history on the wire: who reads it, its pages, and what it says of requests over both transports."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.support import STAFF, Api, Client, eventually
from tests.support.example import in_days, make_world
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
        over_http = await api.get(f"/api/calendars/both/history?slot={world.slot}")

        async def is_the_same() -> bool:  # once the addresses are there too
            found = await api.get(f"/api/calendars/both/history?slot={world.slot}")
            return bool(await staff.ask("history.list", **asked) == {"ok": True, **found})

        await eventually(is_the_same, what="the same history over both transports")
        told = [(entry["command"], entry["actor"], entry["sub"]) for entry in over_http["entries"]]
        assert told == [("slot.close", "staff", "staff"), ("slot.open", "staff", "staff")]


async def test_only_owners_see_from_where(place: Place) -> None:
    """The address behind a trusted proxy or none is shown to an owner over both transports, and to no one else."""
    owner = place.token("--scope", "owner", "--calendars", "where")
    async with Api(place.url, place.staff) as api, Api(place.url, owner) as owning:
        await make_world(api, "where")
        path = "/api/calendars/where/history"

        async def has_addresses() -> bool:
            entries = (await owning.get(path))["entries"]
            return {entry.get("address") for entry in entries} == {"127.0.0.1"}

        await eventually(has_addresses, what="the addresses")
        async with Client(place.url, token=owner, namespace=STAFF) as client:
            told = (await client.ask("history.list", calendar="where"))["entries"]
        assert {entry["address"] for entry in told} == {"127.0.0.1"}
        staff = place.token("--scope", "staff", "--calendars", "where")
        async with Api(place.url, staff) as other:
            assert not [entry for entry in (await other.get(path))["entries"] if "address" in entry]


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


async def test_the_staff_page_shows_the_history(place: Place, api: Api, guest: Api, page: Page) -> None:
    """A slot and a booking have a sheet with who did what; further pages follow by a button.

    An address comes a moment after its entry.
    """
    await api.post("/api/calendars", id="seen", name="Seen", zone="UTC")
    times = {"start": f"{in_days(1)[:10]}T09:00:00Z", "end": f"{in_days(1)[:10]}T10:00:00Z"}
    slot = (await api.post("/api/calendars/seen/slots", slots=[times]))["slots"][0]["id"]
    for _ in range(11):
        await api.post(f"/api/slots/{slot}/close")
        await api.post(f"/api/slots/{slot}/reopen")
    booked = (await guest.post(f"/api/slots/{slot}/bookings", customer={"name": "Ada"}))["booking"]
    await page.goto(f"{place.url}/staff?calendar=seen#token={place.staff}")
    sheet, entries = page.get_by_role("dialog", name="History"), page.get_by_role("dialog").get_by_role("listitem")
    person = page.locator(f'[data-booking="{booked["id"]}"]')
    await person.get_by_label("More for this booking").click()
    await page.get_by_role("menuitem", name="History of the booking").click()
    await expect(entries).to_have_text([re.compile(r"Booked by a customer( \(127\.0\.0\.1\))?$")])
    await expect(sheet.get_by_role("button", name="Older")).to_be_hidden()
    await sheet.get_by_role("button", name="Done").click()
    await page.locator(f'[data-slot="{slot}"]').get_by_label("More for this time").click()
    await page.get_by_role("menuitem", name="History").click()
    await expect(entries).to_have_count(20)
    await sheet.get_by_role("button", name="Older").click()
    await expect(entries).to_have_count(24)
    await expect(entries.last).to_have_text(re.compile(r"Opened by staff \(staff(, 127\.0\.0\.1)?\)$"))
