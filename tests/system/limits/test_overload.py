"""A writer that can't take every command: what has waited too long is refused, on every transport, and comes again."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing
from datetime import datetime, timedelta
from typing import Any

import aiohttp
import pytest

from realtime.engine.reading_line import TOLERATED
from tests.support import Api, Client, Server, eventually, new_key
from tests.support.example import in_days
from tests.system.conftest import QUIET, Place

CLAIMS = 12  # fewer than the server takes of one connection at once
STANDSTILL_SECONDS = 1.0


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Run a server with the product's bound. Those of other tests wait longer, as the machine may be busy."""
    settings = {"SLOTCAST_MAX_WAIT_MS": "250", "SLOTCAST_PROXIES": "127.0.0.1"}
    with Server(tmp_path_factory.mktemp("overload"), *QUIET, settings=settings) as server:
        yield Place(server, server.command("token", "--scope", "staff").strip())


async def _slot(api: Api, calendar: str) -> str:
    await api.post("/api/calendars", id=calendar, name="Room", zone="UTC")
    begin = datetime.fromisoformat(in_days(2))
    slot = {"start": begin.isoformat(), "end": (begin + timedelta(hours=1)).isoformat(), "capacity": 1_000}
    (opened,) = (await api.post(f"/api/calendars/{calendar}/slots", slots=[slot]))["slots"]
    return str(opened["id"])


async def _socket_hold(url: str, slot: str) -> Any:
    async with aiohttp.ClientSession() as session, session.ws_connect(f"{url}/api/socket") as socket:
        await socket.send_json({"id": 1, "request": "slot.hold", "fields": {"slot": slot, "key": new_key()}})
        while (message := json.loads((await socket.receive()).data)).get("id") != 1:
            pass
        return message


async def test_a_writer_that_stands_refuses_by_age(place: Place, api: Api, guest: Api) -> None:
    """Another program locks the database for a second. A claim that comes then is refused at once, with a time to wait.

    Those that came before it are answered once each: the writer may have taken them already, else their age refuses
    them. A refused one is booked once under its key.
    """
    slot = await _slot(api, "stands")
    other = sqlite3.connect(place.server.database.removeprefix("sqlite:///"), isolation_level=None)
    async with Client(place.url) as client:
        claims = [{"slot": slot, "customer": {"name": "Ada"}, "key": new_key()} for _ in range(CLAIMS)]
        other.execute("BEGIN IMMEDIATE")
        waiting = [asyncio.ensure_future(client.ask("slot.book", **claim)) for claim in claims]
        began = time.monotonic()
        await eventually(lambda: time.monotonic() - began > STANDSTILL_SECONDS)
        late = await client.ask("slot.hold", slot=slot, key=new_key())
        plain = await _socket_hold(place.url, slot)
        http = await guest.ask("POST", f"/api/slots/{slot}/holds", {}, key=new_key())
        other.execute("ROLLBACK")
        other.close()
        for error in (late["error"], plain["error"], http.body):
            assert (error["code"], error["retryable"]) == ("overloaded", True)
            assert 0 < error["details"]["retry_after"] <= 10
        assert (http.status, int(http.headers["Retry-After"]) >= 1) == (503, True)
        answers = await asyncio.gather(*waiting)
        refused = [claim for claim, answer in zip(claims, answers, strict=True) if not answer["ok"]]
        for error in [answer["error"] for answer in answers if not answer["ok"]]:
            assert (error["code"], error["details"]["retry_after"] > 0) == ("overloaded", True)
        for claim in refused:

            async def is_booked(claim: dict[str, Any] = claim) -> bool:
                return bool((await client.ask("slot.book", **claim))["ok"])

            await eventually(is_booked)
    bookings = (await api.get("/api/calendars/stands/bookings"))["bookings"]
    assert len(bookings) == CLAIMS


Claim = Callable[[], Awaitable[Any]]


@asynccontextmanager
async def _standing_writer(place: Place) -> AsyncIterator[None]:
    """Lock the database, and wait until a command has waited for too long."""
    with closing(sqlite3.connect(place.server.database.removeprefix("sqlite:///"), isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


async def _ignore_refusals(claim: Claim) -> tuple[int, asyncio.Future[Any]]:
    """Claim again as soon as a claim is refused, until one has no answer; return their number, and the last one."""
    for count in range(100_000):
        asked = asyncio.ensure_future(claim())
        done, _ = await asyncio.wait([asked], timeout=STANDSTILL_SECONDS)
        if not done:
            return count, asked
        assert _code(asked.result()) == "overloaded"
    raise AssertionError("a client who ignores refusals is read for ever")


def _code(answer: Any) -> str:
    """Return the code of an answer over any transport."""
    if isinstance(answer, dict):
        return "ok" if answer["ok"] else str(answer["error"]["code"])
    return str(answer.code)


@asynccontextmanager
async def _claims(kind: str, url: str, slot: str, address: str) -> AsyncIterator[Claim]:
    """Open a client of this kind at an address; the claims have keys of their own."""
    headers = {"X-Forwarded-For": address}
    if kind == "http":
        async with Api(url, headers=headers) as api:
            yield lambda: api.ask("POST", f"/api/slots/{slot}/holds", {}, key=new_key())
    elif kind == "socket":
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"{url}/api/socket", headers=headers) as socket,
        ):

            async def claim() -> Any:
                await socket.send_json({"id": 1, "request": "slot.hold", "fields": {"slot": slot, "key": new_key()}})
                return json.loads((await socket.receive()).data)

            yield claim
    else:
        async with Client(url, transports=(kind,), headers=headers) as client:
            yield lambda: client.ask("slot.hold", slot=slot, key=new_key())


@pytest.mark.parametrize("kind", ["websocket", "polling", "socket", "http"])
async def test_who_ignores_refusals_waits_and_nobody_else_does(place: Place, api: Api, kind: str) -> None:
    """A client who sends again at once is not read any more, and one beside it is refused at once as before.

    Once the writer goes on, each request is answered, and both are served again.
    """
    slot = await _slot(api, f"ignored-{kind}")
    async with (
        _claims(kind, place.url, slot, "192.0.2.1") as rude,
        _claims(kind, place.url, slot, "192.0.2.2") as polite,
        Client(place.url) as first,
    ):
        async with _standing_writer(place):
            under_way = asyncio.ensure_future(first.ask("slot.hold", slot=slot, key=new_key()))
            began = time.monotonic()
            await eventually(lambda: time.monotonic() - began > STANDSTILL_SECONDS)
            count, unread = await _ignore_refusals(rude)
            assert count > TOLERATED
            began = time.monotonic()
            answer = await polite()
            assert _code(answer) == "overloaded"
            assert time.monotonic() - began < STANDSTILL_SECONDS
            assert not unread.done()
        assert _code(await under_way) in {"ok", "overloaded"}
        assert _code(await unread) in {"ok", "overloaded"}
        for claim in (polite, rude):

            async def is_served(claim: Claim = claim) -> bool:
                return _code(await claim()) == "ok"

            await eventually(is_served)
