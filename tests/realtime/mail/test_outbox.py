"""The outbox of a whole server: a guest's booking counts with the code of its mail, and a crash loses no mail."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support import Api, Server, eventually
from tests.support.example import in_days
from tests.support.mail_server import MailServer, code_in
from tests.support.port import free_port

CUSTOMER = {"name": "Ada", "email": "ada@example.org"}


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> str | None:
    return request.getfixturevalue("postgres").new_url() if request.param == "postgres" else None


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def server(tmp_path: Path, database: str | None, port: int) -> Iterator[Server]:
    """Run a server whose mail server is not there yet."""
    settings = {
        "SLOTCAST_SMTP_URL": f"smtp://127.0.0.1:{port}",
        "SLOTCAST_MAIL_FROM": "bookings@example.org",
        "SLOTCAST_PUBLIC_URL": "https://book.example.org",
    }
    with Server(tmp_path, "--no-demo", database=database, settings=settings) as server:
        yield server


async def _slots(server: Server, count: int) -> list[str]:
    token = server.command("token", "--scope", "staff").strip()
    async with Api(server.url, token) as staff:
        await staff.post("/api/calendars", id="room", name="Room", zone="UTC", policy={"verification": "email"})
        slots = [{"start": in_days(2 + hour / 24), "end": in_days(2 + (hour + 1) / 24)} for hour in range(count)]
        return [slot["id"] for slot in (await staff.post("/api/calendars/room/slots", slots=slots))["slots"]]


async def _verify(guest: Api, booked: dict[str, Any], code: str, *, is_link: bool = False) -> Any:
    token = {} if is_link else {"token": booked["token"]}
    return await guest.post(f"/api/bookings/{booked['id']}/verify", code=code, **token)


async def test_a_code_comes_also_after_a_crash(server: Server, port: int) -> None:
    """The mail server is away, then the server is killed: the mail comes after both are back, and its code is good."""
    slots = await _slots(server, 2)
    async with Api(server.url) as guest:
        booked = (await guest.post(f"/api/slots/{slots[0]}/bookings", customer=CUSTOMER))["booking"]
        assert (booked["status"], booked["verification"]) == ("pending", "email")
        await eventually(lambda: "A mail was not sent" in server.log)
    server.kill9()
    with MailServer(port) as mail:
        server.start()
        async with Api(server.url) as guest:
            other = (await guest.post(f"/api/slots/{slots[1]}/bookings", customer=CUSTOMER))["booking"]
            await eventually(lambda: len(mail.mails) == 2, timeout=100)
            first, second = sorted(mail.mails, key=lambda one: other["id"] in one.get_content())
            assert (await _verify(guest, booked, code_in(first)))["booking"]["status"] == "confirmed"
            secret = second.get_content().partition(f"/verify/{other['id']}#")[2].split()[0]
            assert (await _verify(guest, other, secret, is_link=True))["booking"]["status"] == "confirmed"
    assert "ada@example.org" not in server.log


async def test_a_silent_mail_server_delays_no_stop(server: Server, port: int) -> None:
    """The server ends while its mail server takes the time of an answer, which is 20 s."""
    slots = await _slots(server, 1)
    with socket.create_server(("127.0.0.1", port)) as silent:
        silent.settimeout(10)
        async with Api(server.url) as guest:
            await guest.post(f"/api/slots/{slots[0]}/bookings", customer=CUSTOMER)
        connection, _ = await asyncio.to_thread(silent.accept)
        with connection:
            began = time.monotonic()
            assert await asyncio.to_thread(server.stop) == 0
            assert time.monotonic() - began < 8
