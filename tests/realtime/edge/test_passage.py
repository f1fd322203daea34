"""An edge passes to the core what it does not have: commands, staff's requests, pages, and private calendars."""

import asyncio
import json

import aiohttp
import pytest

from tests.realtime.edge.test_following import CALENDAR, STAFF
from tests.support import Api, Client, Server, eventually, new_key
from tests.support.example import in_days


async def _open(api: Api) -> list[str]:
    await api.post("/api/calendars", id=CALENDAR, name="Shared", zone="Etc/UTC")
    slots = [{"start": in_days(day), "end": in_days(day + 0.1)} for day in (1, 2, 3)]
    return [slot["id"] for slot in (await api.post(f"/api/calendars/{CALENDAR}/slots", slots=slots))["slots"]]


async def test_a_guest_books_through_the_edge(core: Server, edge: Server) -> None:
    """Over Socket.IO and HTTP: the answers are the core's, and the change comes by the edge's stream."""
    async with Api(edge.url, STAFF) as staff, Api(edge.url) as guest, Client(edge.url) as client:
        slots = await _open(staff)
        viewer = await client.watch(CALENDAR)
        held = await client.ask("slot.hold", slot=slots[0], key=new_key())
        assert held["ok"], held
        proof = {"id": held["hold"]["id"], "token": held["hold"]["token"]}
        booked = await client.ask("slot.book", slot=slots[0], hold=proof, customer={"name": "Ada"}, key=new_key())
        assert booked["booking"]["status"] == "confirmed"
        booking = booked["booking"]
        read = await client.ask("booking.get", booking=booking["id"], token=booking["token"])
        assert read["booking"]["customer"] == {"name": "Ada"}
        again = await client.ask("slot.book", slot=slots[0], customer={"name": "Bob"}, key=new_key())
        assert again["error"]["code"] == "slot_unavailable"
        assert (await client.ask("slot.book", slot=slots[0]))["error"]["code"] == "bad_request"
        answer = await guest.post(f"/api/slots/{slots[1]}/bookings", customer={"name": "Cy"})
        await eventually(lambda: viewer.have == int(answer["cursor"].partition(".")[0]), 10.0, "the change")
        fresh = await guest.get(f"/api/calendars/{CALENDAR}/slots")
        assert {slot["id"]: slot["remaining"] for slot in fresh["slots"]} == dict(zip(slots, (0, 0, 1), strict=True))


async def test_staff_and_private_calendars_are_at_the_core(core: Server, edge: Server) -> None:
    """Requests with a token go there as they are; Socket.IO of staff is refused."""
    async with Api(edge.url, STAFF) as staff, Api(edge.url) as guest:
        await _open(staff)
        assert (await staff.get(f"/api/calendars/{CALENDAR}/bookings"))["bookings"] == []
        assert (await guest.ask("GET", f"/api/calendars/{CALENDAR}/bookings")).status == 401
        assert (await staff.ask("PATCH", f"/api/calendars/{CALENDAR}", {"visibility": "private"})).status == 200
        assert (await staff.get(f"/api/calendars/{CALENDAR}/slots"))["info"]["visibility"] == "private"
        async with aiohttp.ClientSession(headers={"Authorization": f"Bearer {STAFF}"}) as http:
            async with http.get(f"{edge.url}/api/calendars/{CALENDAR}/events") as stream:
                line = b""
                while not line.startswith(b"data: "):
                    line = await stream.content.readline()
                assert json.loads(line[6:])["info"]["id"] == CALENDAR
            async with http.get(f"{edge.url}/socket.io/?EIO=4&transport=polling") as opened:
                sid = json.loads((await opened.text())[1:])["sid"]
            url = f"{edge.url}/socket.io/?EIO=4&transport=polling&sid={sid}"
            async with http.post(url, data='40/staff,{"token":"x"}'), http.get(url) as refused:
                assert (await refused.text()).startswith("44/staff,")


async def test_a_plain_socket_follows_many_calendars_and_books(core: Server, edge: Server) -> None:
    """Its requests are answered by the core, and its calendars by the edge."""
    async with Api(core.url, STAFF) as staff, aiohttp.ClientSession() as http:
        slots = await _open(staff)
        async with http.ws_connect(f"{edge.url}/api/socket") as socket:
            await socket.send_json({"subscribe": CALENDAR})
            assert (await socket.receive_json())["mode"] == "snapshot"
            fields = {
                "slot": slots[0],
                "customer": {"name": "Ada"},
                "key": new_key(),
                "data": {"from": "a plain socket"},
            }
            await socket.send_json({"request": "slot.book", "fields": fields, "id": 7})
            told = [await socket.receive_json() for _ in range(2)]
            answer = next(one for one in told if "id" in one)
            assert answer["id"] == 7
            booking = (await staff.get(f"/api/bookings/{answer['booking']['id']}"))["booking"]
            assert (booking["customer"], booking["data"]) == ({"name": "Ada"}, {"from": "a plain socket"})
            assert next(one for one in told if "prev" in one)["type"] == "slot.booked"
            await socket.send_json({"token": STAFF, "id": 8})
            assert (await socket.receive_json())["error"]["code"] == "unauthorized"


async def test_without_the_core_a_command_may_be_sent_again(core: Server, edge: Server) -> None:
    """It is refused as `overloaded`, and the same key does it once later."""
    async with Api(core.url, STAFF) as staff, Client(edge.url) as client:
        slots = await _open(staff)
        core.kill9()
        key = new_key()
        refused = await client.ask("slot.book", slot=slots[0], customer={"name": "Ada"}, key=key)
        assert (refused["error"]["code"], refused["error"]["retryable"]) == ("overloaded", True)
        core.start()
        booked = await client.ask("slot.book", slot=slots[0], customer={"name": "Ada"}, key=key)
        assert booked["ok"], booked


@pytest.mark.parametrize("token", ["a\r\nX-Forwarded-For: 192.0.2.1", "x" * 9_000], ids=["of two lines", "long"])
async def test_a_token_that_fits_no_header_is_refused(core: Server, edge: Server, token: str) -> None:
    """As the core refuses a bad token, and final for its client."""
    async with Api(core.url, STAFF) as staff, Client(edge.url, token=token) as client, Client(edge.url) as guest:
        slots = await _open(staff)
        refused = await client.ask("slot.book", slot=slots[0], customer={"name": "Ada"}, key=new_key())
        assert refused["error"]["code"] == "unauthorized"
        booked = await guest.ask("slot.book", slot=slots[0], customer={"name": "Ada"}, key=new_key())
        read = await guest.ask("booking.get", booking=booked["booking"]["id"], token=token[:4_000])
        assert read["error"]["code"] in {"forbidden", "not_found"}


async def test_readiness_tells_of_a_core_that_nothing_is_asked_of(core: Server, edge: Server) -> None:
    """An edge without watchers looks at its core: `/readyz` names it while it is away, and not after."""

    async def degraded() -> list[str]:
        async with aiohttp.ClientSession() as session, session.get(f"{edge.url}/readyz") as answer:
            assert answer.status == 200
            found: list[str] = (await answer.json())["degraded"]
            return found

    async def is_named() -> bool:
        return await degraded() == ["core"]

    async def is_well() -> bool:
        return not await degraded()

    core.kill9()
    await eventually(is_named, what="the core's loss")
    core.start()
    await eventually(is_well, what="the core's return")


async def test_a_target_with_a_host_is_asked_of_the_core(core: Server, edge: Server) -> None:
    """A client may write `GET http://host/path`; the host must not become a part of the core's address."""
    reader, writer = await asyncio.open_connection("127.0.0.1", edge.port)
    writer.write(b"GET m://elsewhere/openapi.json HTTP/1.1\r\nHost: elsewhere\r\nConnection: close\r\n\r\n")
    head = await reader.readuntil(b"\r\n")
    writer.close()
    assert b" 200 " in head
