"""Accounts and sessions: log-in and sign-out, the cookie, and the end of what was revoked."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import aiohttp
import pytest

from tests.support import STAFF, Api, Client, Server, eventually
from tests.support.example import make_world
from tests.system.access.test_roles import PASSWORD, sign_in
from tests.system.conftest import HANDSHAKE, QUIET, Place
from tests.system.known_secret import SECRET, sign

OWNER = sign(scope="owner", calendars="*", sub="the first link")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """Run a server whose secret the tests know, and which takes the address of a client from its header."""
    settings = {"SLOTCAST_SECRET": SECRET, "SLOTCAST_PROXIES": "127.0.0.1"}
    with Server(tmp_path_factory.mktemp("accounts"), *QUIET, settings=settings) as server:
        yield Place(server, sign(scope="owner", calendars="*"))


async def add(place: Place, name: str, **roles: str) -> str:
    """Make an account with the link of the first start; return its id."""
    async with Api(place.url, OWNER) as owner:
        answer = await owner.ask("POST", "/api/accounts", {"name": name, "password": PASSWORD, "roles": roles})
        assert answer.status == 201, answer
        return str(answer.body["account"]["id"])


async def test_a_session_lives_until_it_is_ended(place: Place) -> None:
    """The cookie is for the server's pages and no script; after the sign-out no copy of it opens anything."""
    account = await add(place, "Anna", **{"*": "owner"})
    async with Api(place.url) as guest:
        assert (await guest.get("/api/session")) == {"session": None, "has_accounts": True}
        answer = await guest.ask("POST", "/api/session", {"name": " anna ", "password": PASSWORD})
    assert {"HttpOnly", "SameSite=Strict"} <= set(answer.headers["Set-Cookie"].split("; "))
    assert "Secure" not in answer.headers["Set-Cookie"]
    headers = await sign_in(place, "ANNA")
    async with Api(place.url, headers=headers) as page:
        session = (await page.get("/api/session"))["session"]
        assert (session["subject"], session["account"], session["roles"]) == ("Anna", account, {"*": "owner"})
        assert (await page.ask("POST", "/api/calendars", {"id": "annas", "name": "A", "zone": "UTC"})).code == "ok"
        assert (await page.ask("PATCH", "/api/calendars/annas", {"name": "Anna's"})).code == "ok"
        assert (await page.get("/api/calendars/annas/history"))["entries"][0]["sub"] == "Anna"
        async with Client(place.url, headers=headers, namespace=STAFF) as client:
            assert (await page.ask("DELETE", "/api/session")).body["session"] is None
            await eventually(lambda: client.disconnects, what="the end of the session's connection")
        assert (await page.ask("GET", "/api/calendars/annas/history")).code == "unauthorized"


async def test_no_other_page_acts_with_a_session(place: Place) -> None:
    """A page of another origin is nobody, and a write without a proof of its origin is refused."""
    await add(place, "Carla", **{"*": "staff"})
    headers = await sign_in(place, "Carla")
    body = {"id": "carlas", "name": "C", "zone": "UTC"}
    for origin, code in (
        ({}, "forbidden"),
        ({"Origin": "https://evil.example"}, "forbidden"),
        ({"Sec-Fetch-Site": "same-site"}, "unauthorized"),
        ({"Sec-Fetch-Site": "same-origin"}, "ok"),
    ):
        async with Api(place.url, headers={"Cookie": headers["Cookie"]}) as page:
            assert (await page.ask("POST", "/api/calendars", body, headers=origin)).code == code, origin
    socket = f"{place.url}/socket.io/?EIO=4&transport=polling"
    evil = {"Cookie": headers["Cookie"], "Origin": "https://evil.example"}
    async with aiohttp.ClientSession() as http, http.get(socket, headers=evil) as answer:
        assert answer.status == 400


async def test_a_refused_log_in_tells_nothing(place: Place) -> None:
    """An unknown name and a wrong password answer alike, and both are limited."""
    account = await add(place, "Dora", **{"*": "staff"})
    there = {"X-Forwarded-For": "198.51.100.7"}  # the other tests do not wait for its tries
    async with Api(place.url, headers=there) as guest, Api(place.url, OWNER) as owner:
        told = [
            await guest.ask("POST", "/api/session", {"name": name, "password": "a wrong password"})
            for name in ("Dora", "Nobody at all")
        ]
        assert (told[0].status, told[0].raw, "Set-Cookie" in told[0].headers) == (401, told[1].raw, False)
        assert (await owner.ask("PATCH", f"/api/accounts/{account}", {"disabled": True})).code == "ok"
        disabled = await guest.ask("POST", "/api/session", {"name": "Dora", "password": PASSWORD})
        assert disabled.raw == told[0].raw
        wrong = [{"name": "Mallory", "password": f"{number}"} for number in range(12)]
        tries = [asyncio.ensure_future(guest.ask("POST", "/api/session", fields)) for fields in wrong]
        first = await next(asyncio.as_completed(tries))  # the others wait for their hashes
        assert (first.code, first.body["details"]["retry_after"] > 0) == ("rate_limited", True)
        for one in tries:
            one.cancel()
        await asyncio.gather(*tries, return_exceptions=True)


async def test_a_password_and_roles_change(place: Place) -> None:
    """A new password ends the account's other sessions. Connections end with the roles they had."""
    account = await add(place, "Eve", **{"*": "viewer"})
    old, kept = await sign_in(place, "Eve"), await sign_in(place, "Eve")
    async with (
        Api(place.url, headers=kept) as page,
        Api(place.url, headers=old) as other,
        Api(place.url, OWNER) as owner,
    ):
        wrong = {"password": "a wrong password", "new_password": "a new password"}
        assert (await page.ask("POST", "/api/session/password", wrong)).code == "forbidden"
        right = {"password": PASSWORD, "new_password": "a new password"}
        assert (await page.ask("POST", "/api/session/password", right)).code == "ok"
        assert (await other.get("/api/session"))["session"] is None
        async with Client(place.url, headers=kept, namespace=STAFF) as client:
            assert (await owner.ask("PATCH", f"/api/accounts/{account}", {"roles": {"*": "staff"}})).code == "ok"
            await eventually(lambda: client.disconnects and client.connects >= 2, what="another connection")
        assert (await page.get("/api/session"))["session"]["roles"] == {"*": "staff"}
        assert (await owner.ask("DELETE", f"/api/accounts/{account}")).code == "ok"
        assert (await page.get("/api/session"))["session"] is None


async def test_what_is_revoked_ends_at_once(place: Place, api: Api) -> None:
    """A token's connections end on every transport, and those of a ticket of it; then it opens nothing."""
    await make_world(api, "revoked", place.staff, visibility="private")
    async with Api(place.url, OWNER) as owner:
        asked = {"subject": "a program", "role": "staff", "calendars": ["revoked"]}
        for subject in ("a\nb", "a\u202eb", " ", "\u200b"):
            assert (await owner.ask("POST", "/api/tokens", asked | {"subject": subject})).code == "bad_request"
        token = (await owner.ask("POST", "/api/tokens", asked)).body["token"]
        (listed,) = [one for one in (await owner.get("/api/tokens"))["tokens"] if one["subject"] == "a program"]
        assert (listed["roles"], listed["made_by"]) == ({"revoked": "staff"}, "the first link")
        async with Api(place.url, token) as program, Client(place.url, token=token, namespace=STAFF) as client:
            ticket = (await program.ask("POST", "/api/tickets", {"calendars": ["revoked"]})).body["ticket"]
            cursor = (await program.get("/api/calendars/revoked/slots"))["cursor"]
            bearer = {"Authorization": f"Bearer {token}"}
            path = f"{place.url}/api/calendars/revoked"
            async with aiohttp.ClientSession() as http:
                streams = [
                    await http.get(f"{path}/events", headers=bearer),
                    await http.get(f"{path}/events?ticket={ticket}"),
                    await http.get(f"{path}/socket", headers=bearer | HANDSHAKE),
                ]
                poll = asyncio.ensure_future(
                    program.ask("GET", f"/api/calendars/revoked/changes?after={cursor}&wait=60")
                )
                await asyncio.sleep(0.1)  # for the poll to wait; without it the poll is refused, which is right too
                assert (await owner.ask("DELETE", f"/api/tokens/{listed['id']}")).code == "ok"
                await eventually(lambda: client.disconnects, what="the end of the connection")
                for stream in streams[:2]:
                    with suppress(aiohttp.ClientPayloadError):  # its end is cut off, or clean
                        await asyncio.wait_for(stream.content.read(), 5)
                assert (await asyncio.wait_for(poll, 5)).code == "unauthorized"
                for stream in streams:
                    stream.close()
            assert (await program.ask("GET", "/api/calendars/revoked")).code == "unauthorized"
        (listed,) = [one for one in (await owner.get("/api/tokens"))["tokens"] if one["subject"] == "a program"]
        assert listed["revoked_at"] is not None


@pytest.mark.parametrize("end", ["sign-out", "disabled", "roles", "removed"])
async def test_a_ticket_opens_nothing_after_its_session(place: Place, api: Api, end: str) -> None:
    """A ticket taken before a sign-out, or before the account lost its roles, is refused."""
    calendar = f"after-{end}"
    await make_world(api, calendar, place.staff, visibility="private")
    account = await add(place, calendar, **{calendar: "staff"})
    async with Api(place.url, headers=await sign_in(place, calendar)) as page, Api(place.url, OWNER) as owner:
        asked = {"calendars": [calendar]}
        before, after = [(await page.ask("POST", "/api/tickets", asked)).body["ticket"] for _ in range(2)]
        path = f"/calendars/{calendar}.ics?ticket="
        async with Api(place.url) as stranger:
            assert (await stranger.ask("GET", path + before)).status == 200
            ended = {
                "sign-out": (page, "DELETE", "/api/session", None),
                "disabled": (owner, "PATCH", f"/api/accounts/{account}", {"disabled": True}),
                "roles": (owner, "PATCH", f"/api/accounts/{account}", {"roles": {"elsewhere": "viewer"}}),
                "removed": (owner, "DELETE", f"/api/accounts/{account}", None),
            }[end]
            assert (await ended[0].ask(*ended[1:])).code == "ok"
            assert (await stranger.ask("GET", path + after)).code == "unauthorized"


async def test_a_private_link_is_revoked(place: Place, api: Api) -> None:
    """Staff see when a link was made and used, and end it before its time."""
    await make_world(api, "linked", place.staff, visibility="private")
    token = (await api.ask("POST", "/api/calendars/linked/links", {})).body["token"]
    async with Api(place.url, token) as guest:
        (link,) = (await api.get("/api/calendars/linked/links"))["links"]
        assert link["used_at"] is None
        assert (await guest.ask("GET", "/api/calendars/linked")).code == "ok"
        (link,) = (await api.get("/api/calendars/linked/links"))["links"]
        assert link["used_at"] is not None
        async with Client(place.url, token=token) as client:
            assert (await api.ask("DELETE", f"/api/links/{link['id']}")).code == "ok"
            await eventually(lambda: client.disconnects, what="the end of the connection")
        assert (await guest.ask("GET", "/api/calendars/linked")).code == "unauthorized"


async def test_every_server_follows(place: Place, tmp_path: Any) -> None:
    """A session of one server opens the others at once, and ends there at once."""
    await add(place, "Frida", **{"*": "staff"})
    settings = {"SLOTCAST_SECRET": SECRET}
    with Server(tmp_path, *QUIET, database=place.server.database, settings=settings) as second:
        headers = await sign_in(place, "Frida")
        there = headers | {"Origin": second.url}
        async with Api(second.url, headers=there) as page, Client(second.url, headers=there, namespace=STAFF) as client:
            assert (await page.get("/api/session"))["session"]["subject"] == "Frida"
            async with Api(place.url, headers=headers) as first:
                await first.ask("DELETE", "/api/session")
            await eventually(lambda: client.disconnects, 5, "the end on the other server")
            assert (await page.get("/api/session"))["session"] is None
