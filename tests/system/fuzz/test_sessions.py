"""Malformed inputs on all transports of a real server: no 5xx, no traceback, nothing unanswered, and nothing stays.

`make fuzz` sends a tenth of its million inputs here. `FUZZ_SEED` sets another seed.
"""

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support import Api, Server, eventually, new_key
from tests.support.clients.raw import POLLING, SOCKETIO, Raw, frame
from tests.support.example import in_days
from tests.system.fuzz.inputs import Inputs

INPUTS = int(os.environ.get("FUZZ_INPUTS", "5000")) // 10
SEED = int(os.environ.get("FUZZ_SEED", "8"))
VISITORS = 8
SESSION_INPUTS = 12  # most sessions end earlier, at their first malformed packet
ANSWER_SECONDS = 30.0
MOST_GROWTH_KB = 40_000  # rooms, caches and the allocator's slack; a leak of 1 KB an input is 100 MB in the long form

pytestmark = pytest.mark.timeout(3_600 if INPUTS > 10_000 else 120)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    # A damaged length makes the server wait for the rest of a message, up to its deadline.
    flags = ("--no-demo", "--rate", "0", "--log-level", "warning", "--body-seconds", "2")
    with Server(tmp_path_factory.mktemp("server"), *flags) as server:
        yield server


@pytest.fixture
async def token(server: Server) -> str:
    token = server.command("token", "--scope", "owner").strip()
    async with Api(server.url, token) as api:
        if (await api.ask("GET", "/api/calendars/room/slots")).status == 404:
            await api.post("/api/calendars", id="room", name="Room", zone="UTC")
            slot = {"start": in_days(1), "end": in_days(1.1), "capacity": 1_000}
            await api.post("/api/calendars/room/slots", slots=[slot], key=new_key())
    return token


class Visitor:
    """Sends inputs over one kind of transport after another, and counts them."""

    def __init__(self, server: Server, token: str, seed: int) -> None:
        self.inputs = Inputs(seed)
        self.count = 0
        self._server = server
        self._token = token

    async def visit(self) -> None:
        kind = self.inputs.pick.choice([self._websocket, self._websocket, self._polling, self._plain, self._http])
        async with asyncio.timeout(ANSWER_SECONDS):
            await kind()

    def _connect(self) -> str:
        auth = json.dumps({"token": self._token}) if self.inputs.pick.random() < 0.5 else ""
        return f"0{self.inputs.pick.choice(['/calendars', '/staff'])},{auth}"

    async def _websocket(self) -> None:
        """Socket.IO over WebSocket: whatever came before, the server answers a last request or closes."""
        raw = await Raw.websocket(self._server.port, SOCKETIO)
        await raw.send(frame("4" + self._connect()))
        for _ in range(SESSION_INPUTS):
            await raw.send(self.inputs.frames())
            self.count += 1
        await self._is_answered(raw, frame('42/calendars,2["slot.hold",{}]'))

    async def _plain(self) -> None:
        """The plain WebSocket: each text is a request or is refused."""
        raw = await Raw.websocket(self._server.port, "/api/socket")
        for _ in range(SESSION_INPUTS):
            name, fields = self.inputs.request()
            text = json.dumps({"id": 1, "type": name, **(fields if isinstance(fields, dict) else {"x": fields})})
            text = self.inputs.damaged(text) if self.inputs.pick.random() < 0.4 else text
            await raw.send(frame(text.encode("utf-8", "surrogatepass")[:60_000]))
            self.count += 1
        await self._is_answered(raw, frame('{"id":77,"type":"slot.hold"}'))

    async def _is_answered(self, raw: Raw, last: bytes) -> None:
        """A ping after all inputs is answered by a pong, or the server closes.

        A damaged length may make the ping a part of a message. The zeros behind it end that message, and are no frame.
        """
        await raw.send(last + frame("whole?", 0x89) + bytes(17_000))
        heard = b""
        try:
            while b"\x8a\x06whole?" not in heard and b"\x88" not in heard:
                data = await raw.reader.read(1 << 20)
                if not data:
                    break
                heard = heard[-20:] + data
        except ConnectionError:
            pass
        finally:
            raw.close()

    async def _polling(self) -> None:
        """Long polling: every POST and every poll has its answer."""
        async with aiohttp.ClientSession() as http:
            url = f"{self._server.url}{POLLING}"
            async with http.get(url) as answer:
                opened = json.loads((await answer.text())[1:])
            session = f"{url}&sid={opened['sid']}"
            await self._status(http, "POST", session, f"4{self._connect()}".encode())
            for _ in range(SESSION_INPUTS // 2):
                self.count += 1
                if await self._status(http, "POST", session, self.inputs.payload()) != 200:
                    break
            await self._status(http, "POST", session, b"1")

    async def _http(self) -> None:
        """The API: any JSON on any route of a command."""
        async with aiohttp.ClientSession() as http:
            for _ in range(SESSION_INPUTS // 2):
                path = self.inputs.pick.choice(PATHS)
                body = json.dumps(self.inputs.fields()).encode("utf-8", "surrogatepass")
                await self._status(
                    http, self.inputs.pick.choice(["POST", "PATCH", "PUT", "DELETE"]), self._url(path), body
                )
                self.count += 1

    def _url(self, path: str) -> str:
        return self._server.url + path

    async def _status(self, http: aiohttp.ClientSession, method: str, url: str, body: bytes) -> int:
        headers = {"Content-Type": "application/json"} | (
            {"Authorization": f"Bearer {self._token}"} if self.inputs.pick.random() < 0.5 and POLLING not in url else {}
        )
        async with http.request(method, url, data=body, headers=headers) as answer:
            text = await answer.text()
            assert answer.status < 500, (method, url, body[:500], answer.status, text[:500])
            return answer.status


PATHS = [
    "/api/calendars", "/api/calendars/room", "/api/calendars/room/slots", "/api/calendars/room/schedule",
    "/api/calendars/room/feeds", "/api/calendars/room/busy", "/api/calendars/room/link", "/api/calendars/nowhere/slots",
    "/api/slots/x/hold", "/api/slots/x/bookings", "/api/bookings/x/cancel", "/api/bookings/x", "/api/customers/erase",
    "/api/customers/export", "/api/tickets", "/api/accounts", "/api/session",
]  # fmt: skip


async def test_every_transport_answers_and_keeps_nothing(server: Server, token: str) -> None:
    """After all inputs the server is ready, has no client left, has logged no fault, and has not grown."""
    warming = Visitor(server, token, SEED)
    for _ in range(20):
        await warming.visit()
    files, memory = _files(server), _memory_kb(server)
    visitors = [Visitor(server, token, SEED * 1_000 + number) for number in range(VISITORS)]

    async def keep_visiting(visitor: Visitor) -> None:
        while sum(one.count for one in visitors) < INPUTS:
            await visitor.visit()

    await asyncio.gather(*map(keep_visiting, visitors))
    assert "Traceback" not in server.log, server.log[-5_000:]
    assert " ERROR " not in server.log, server.log[-5_000:]
    async with Api(server.url) as api:
        assert (await api.ask("GET", "/readyz")).status == 200
        await eventually(lambda: _open(api), 60.0, "the end of all connections")
    await eventually(lambda: _files(server) <= files + 4, 60.0, "the end of all descriptors")
    grown = _memory_kb(server) - memory
    print(f"{sum(one.count for one in visitors)} inputs, {grown} KB more")
    assert grown < MOST_GROWTH_KB


async def _open(api: Api) -> bool:
    text = (await api.ask("GET", "/metrics")).raw.decode()
    counts = [line for line in text.splitlines() if line.startswith("slotcast_connections{")]
    assert len(counts) >= 5
    return all(line.endswith(" 0.0") for line in counts)


def _files(server: Server) -> int:
    return len(os.listdir(f"/proc/{server.pid}/fd"))  # noqa: PTH208 - the number alone


def _memory_kb(server: Server) -> int:
    lines = Path(f"/proc/{server.pid}/status").read_text().splitlines()
    values: dict[str, Any] = dict(line.split(":", 1) for line in lines)
    return int(values["VmRSS"].split()[0])
