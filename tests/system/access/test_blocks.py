"""Blocks on whole servers: what they refuse on both transports, at once here and soon on the other servers."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import Answer, Api, Client, Server, eventually, new_key
from tests.support.databases.postgres import Postgres
from tests.support.example import World, make_world
from tests.system.conftest import QUIET, Place
from tests.system.known_secret import SECRET, sign

OWNER = sign(scope="owner", calendars="*")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Run a server that takes the address of a client from its header."""
    settings = {"SLOTCAST_SECRET": SECRET, "SLOTCAST_PROXIES": "127.0.0.1"}
    with Server(tmp_path_factory.mktemp("blocks"), *QUIET, settings=settings) as server:
        yield Place(server, OWNER)


async def block(api: Api, **fields: Any) -> str:
    """Block; return the block's id."""
    return str((await api.post("/api/blocks", **fields))["block"]["id"])


async def hold(api: Api, slot: str) -> str:
    return (await api.ask("POST", f"/api/slots/{slot}/holds", {"key": new_key()})).code


async def book(api: Api, slot: str, email: str) -> Answer:
    fields = {"key": new_key(), "customer": {"name": "Ada", "email": email}}
    return await api.ask("POST", f"/api/slots/{slot}/bookings", fields)


async def world_of(api: Api, name: str) -> World:
    return await make_world(api, name, policy={"max_holds": 100, "max_bookings": None})


async def test_a_blocked_address_holds_and_books_nothing(place: Place) -> None:
    """On both transports, in this calendar only, from the answer on; a connection that is open is blocked too."""
    async with Api(place.url, OWNER) as owner:
        mine, other = await world_of(owner, "mine"), await world_of(owner, "theirs")
        headers = {"X-Forwarded-For": "198.51.100.9"}
        async with Api(place.url, headers=headers) as guest, Client(place.url, headers=headers) as client:
            made = await book(guest, mine.slot, "eve@example.org")
            name = await block(owner, calendar="mine", kind="address", value="198.51.100.0/24")
            refused = await guest.ask("POST", f"/api/slots/{mine.other}/holds", {"key": new_key()})
            assert (refused.status, refused.code) == (403, "blocked")
            assert (await client.ask("slot.hold", slot=mine.other, key=new_key()))["error"]["code"] == "blocked"
            assert (await book(guest, mine.other, "other@example.org")).code == "blocked"
            rules = (await guest.get(f"/api/slots/{mine.other}/explain"))["rules"]
            assert [one["rule"] for one in rules if not one["ok"]] == ["blocked"]
            assert await hold(guest, other.slot) == "ok"
            async with Api(place.url, headers={"X-Forwarded-For": "198.51.101.9"}) as neighbour:
                assert await hold(neighbour, mine.other) == "ok"
            booked = made.body["booking"]
            fields = {"key": new_key(), "token": booked["token"]}
            assert (await guest.ask("POST", f"/api/bookings/{booked['id']}/cancel", fields)).code == "ok"
            await owner.ask("DELETE", f"/api/blocks/{name}")
            assert await hold(guest, mine.slot) == "ok"


async def test_a_blocked_customer_books_under_no_spelling(place: Place) -> None:
    """In all calendars; staff book for them, and the list has the block for staff."""
    async with Api(place.url, OWNER) as owner, Api(place.url) as guest:
        world = await world_of(owner, "spelled")
        await block(owner, calendar="*", kind="email", value="Bob@Example.org", reason="was rude")
        assert (await book(guest, world.slot, '"bob"@example.ORG')).code == "blocked"
        assert (await book(owner, world.slot, "bob@example.org")).code == "ok"
        (found,) = [one for one in (await owner.get("/api/blocks"))["blocks"] if one["kind"] == "email"]
        assert (found["value"], found["reason"], found["calendar"]) == ("Bob@Example.org", "was rude", "*")
        assert (await owner.get("/api/blocks?calendar=spelled"))["blocks"] == []
        erased = await owner.ask("POST", "/api/customers/erase", {"email": "bob@example.org"})
        assert erased.body["erased"] == 1
        (found,) = [one for one in (await owner.get("/api/blocks"))["blocks"] if one["kind"] == "email"]
        assert (found["value"], found["reason"]) == (None, "")
        assert (await book(guest, world.other, "bob@example.org")).code == "blocked", "an erasure lifts no block"


async def test_every_server_follows_a_block(tmp_path: Path, postgres: Postgres) -> None:
    """A block made on one server is in force on the other within moments, and so is its end."""
    settings = {"SLOTCAST_SECRET": SECRET, "SLOTCAST_DEMO": "0", "SLOTCAST_RATE": "0"}
    url = postgres.new_url()
    with (
        Server(tmp_path, database=url, settings=settings) as one,
        Server(tmp_path, database=url, settings=settings) as two,
    ):
        async with Api(one.url, OWNER) as owner, Api(two.url) as guest:
            world = await world_of(owner, "shared")
            name = await block(owner, calendar="shared", kind="address", value="127.0.0.1")

            async def is_blocked() -> bool:
                return await hold(guest, world.slot) == "blocked"

            async def is_free() -> bool:
                return not await is_blocked()

            await eventually(is_blocked, what="the block on the other server")
            await owner.ask("DELETE", f"/api/blocks/{name}")
            await eventually(is_free, what="the end of the block")
