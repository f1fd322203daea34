"""Links to private calendars: staff make a guest's token with an end, and nobody else does."""

from pathlib import Path
from time import time
from typing import Any

import jwt
import pytest

from tests.support import STAFF, Api, Client, Server, new_key

_TIMES = {"start": "2033-01-31T09:00:00Z", "end": "2033-01-31T10:00:00Z"}


async def _make(api: Api, calendar: str, **info: Any) -> str:
    await api.post("/api/calendars", id=calendar, name=calendar, zone="UTC", visibility="private", **info)
    return str((await api.post(f"/api/calendars/{calendar}/slots", slots=[_TIMES]))["slots"][0]["id"])


async def test_a_link_opens_its_calendar_and_no_other(tmp_path: Path) -> None:
    """The link's token sees and books, has no staff rights, ends on time, has a holder of its own, and is in no log."""
    with Server(tmp_path, "--no-demo", settings={"SLOTCAST_LOG_LEVEL": "info"}) as server:
        staff = server.command("token", "--scope", "staff").strip()
        async with Api(server.url, staff) as api, Client(server.url, token=staff, namespace=STAFF) as client:
            slot, other = await _make(api, "rooms", booking="token"), await _make(api, "elsewhere")
            made = (await api.ask("POST", "/api/calendars/rooms/links", {"lifetime_seconds": 3_600})).body
            asked = await client.ask("calendar.link", {"calendar": "rooms"})
        links = [(made, 3_600), (asked, 30 * 86_400)]
        claims = [jwt.decode(link["token"], options={"verify_signature": False}) for link, _ in links]
        for (link, seconds), claim in zip(links, claims, strict=True):
            assert claim["calendars"] == ["rooms"]
            assert "scope" not in claim
            assert claim["exp"] == pytest.approx(time() + seconds, abs=30)
            assert link["token"] not in server.log
        assert claims[0]["sub"] != claims[1]["sub"]
        async with Api(server.url, made["token"]) as guest:
            assert len((await guest.get("/api/calendars/rooms/slots?from=2033-01-01T00:00:00Z"))["slots"]) == 1
            assert (await guest.post(f"/api/slots/{slot}/holds"))["hold"]["slot"] == slot
            for refused in (
                await guest.ask("GET", "/api/calendars/elsewhere/slots"),
                await guest.ask("POST", f"/api/slots/{other}/holds", {}, key=new_key()),
                await guest.ask("POST", f"/api/slots/{slot}/close"),
                await guest.ask("POST", "/api/calendars/rooms/links", {}),
            ):
                assert refused.code == "forbidden"


async def test_what_is_no_link(tmp_path: Path) -> None:
    """A lifetime out of bounds, an unknown calendar and another staff's calendar: each has its code."""
    with Server(tmp_path, "--no-demo") as server:
        staff = server.command("token", "--scope", "staff").strip()
        elsewhere = server.command("token", "--scope", "staff", "--calendars", "elsewhere").strip()
        path = "/api/calendars/rooms/links"
        async with Api(server.url, staff) as api:
            await _make(api, "rooms")
            for seconds in (0, 59, -1, 366 * 86_400 + 1, 1 << 70, "3600", 60.5, None, True):
                answer = await api.ask("POST", path, {"lifetime_seconds": seconds})
                assert (answer.code, answer.body["details"]["field"]) == ("bad_request", "lifetime_seconds"), seconds
            for seconds in (60, 366 * 86_400):
                assert (await api.ask("POST", path, {"lifetime_seconds": seconds})).status == 201
            assert (await api.ask("POST", "/api/calendars/nowhere/links", {})).code == "not_found"
            assert (await api.ask("POST", path, {"calendar": "elsewhere"})).code == "bad_request"
        for token, code in ((elsewhere, "forbidden"), ("", "unauthorized")):
            async with Api(server.url, token) as api:
                assert (await api.ask("POST", path, {})).code == code
