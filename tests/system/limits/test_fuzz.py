"""Random requests: any input and any early end cause no failure and leave nothing behind.

`FUZZ_SEED` sets another seed than the usual one, `FUZZ_SECONDS` the duration.
"""

import asyncio
import gzip
import os
import random
import re
import socket
import struct
import time
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec
import pytest

from realtime.http.routes import COMMANDS
from tests.support import Api, Server, eventually, new_key
from tests.support.clients.raw import POLLING

SECONDS = float(os.environ.get("FUZZ_SECONDS", "6"))
SEED = int(os.environ.get("FUZZ_SEED", "8"))
STRANGERS = 12
ANSWER_SECONDS = 20.0

READS = [
    "/", "/staff", "/c/room", "/healthz", "/readyz", "/metrics", "/openapi.json", "/asyncapi.json", "/favicon.ico",
    "/api/calendars", "/api/calendars/{id}", "/api/calendars/{id}/slots", "/api/calendars/{id}/bookings",
    "/api/calendars/{id}/schedule", "/api/calendars/{id}/changes", "/api/calendars/{id}/events",
    "/api/calendars/{id}/socket", "/api/socket", "/api/events?calendars=demo",
    "/api/slots/{id}/explain", "/api/bookings/{id}", "/calendars/{id}.ics",
    "/assets/", "/assets/..", "/slotcast-calendar.js", POLLING, "/socket.io/", "/socket.io/?EIO=3",
]  # fmt: skip
ODD = [
    "", " ", "0", "-1", "1e309", "nan", "inf", "9" * 400, "null", "true", "[]", "{}", "\0", "%", "%00", "%zz", "%ff",
    "é", "\ud800", "💈", "../..", "a" * 3_000, "2027-01-01T00:00:00Z", "0001-01-01T00:00:00+23:59",
    "9999-12-31T23:59:59Z", "2027-13-01", "2027-01-01T00:00:00.123456789Z", "1.gone", "-5.x", "99999999999999999999.x",
    "*",
    "W/", '"', '"1"',
    "bytes=0-", "bytes=5-1", "bytes=-", "bytes=0-0,5-9", "Thu, 01 Jan 1970 00:00:00 GMT",
    "Thu, 99 Foo 99999 99:99:99 GMT", f"Thu, 01 Jan {'9' * 30} 00:00:00 GMT", "Bearer", "Bearer x", "Bearer a.b.c",
    "Basic eDp5",
    "Bearer " + "x" * 5_000, "http://[", "http://evil.example", "null", "file://", "[::1]:x", "a:b:c", "::", "1.2.3.4",
    "1.2.3.4, x", "deflate", ";", ",",
]  # fmt: skip
PARAMETERS = ["from", "to", "after", "wait", "ticket", "preview", "EIO", "transport", "sid", "t", "j", "x"]
HEADERS = [
    "Authorization", "If-None-Match", "If-Match", "If-Modified-Since", "If-Unmodified-Since", "If-Range", "Range",
    "Idempotency-Key", "Booking-Token", "X-Request-ID", "X-Forwarded-For", "Origin", "Host", "Cookie", "Expect",
    "Content-Type", "Accept-Encoding", "Upgrade", "Connection", "Last-Event-ID", "Sec-WebSocket-Key",
    "Sec-WebSocket-Version", "Sec-WebSocket-Extensions", "Access-Control-Request-Method", "Content-Encoding",
    "Content-Length", "Transfer-Encoding",
]  # fmt: skip
ENCODINGS = [
    "gzip",
    "deflate",
    "br",
    "zstd",
    "compress",
    "x-gzip",
    "GZIP",
    "identity",
    "unknown",
    "gzip, gzip",
    "gzip,",
]
RULES = ["FREQ=YEARLY;BYMONTH=8;BYDAY=53MO", "FREQ=MONTHLY;BYDAY=1MO,20MO", "FREQ=DAILY;BYSETPOS=1", "FREQ=", "x" * 600]


BOMB = gzip.compress(bytes(3_000_000))


class Stranger:
    """Makes requests by chance, for a server with one slot in one calendar."""

    def __init__(self, chance: random.Random, port: int, slot: str, staff: str) -> None:
        self._chance = chance
        self._port = port
        self._slot = slot
        self._staff = staff
        self._sid = ""

    def _path(self) -> tuple[str, str]:
        pick = self._chance
        if pick.random() < 0.55:
            method, path = pick.choice([(one[0], one[1]) for one in COMMANDS] + [("POST", "/api/tickets")])
        else:
            method, path = (
                pick.choice(["GET", "GET", "GET", "HEAD", "OPTIONS", "POST", "PATCH", "X"]),
                pick.choice(READS),
            )
        if self._sid and pick.random() < 0.15:
            method, path = "POST", f"{POLLING}&sid={self._sid}"
        name = pick.choice(["room", "room", self._slot, self._slot, _quoted(pick.choice(ODD)) or "x"])
        path = path.replace("{id}", name)
        chosen = [f"{pick.choice(PARAMETERS)}={_quoted(pick.choice(ODD))}" for _ in range(pick.choice([0, 0, 0, 1, 2]))]
        if chosen:
            path += ("&" if "?" in path else "?") + "&".join(chosen)
        return method, path

    def _body(self) -> bytes:
        pick = self._chance
        fields: dict[str, Any] = {"key": new_key(), "seats": pick.choice([1, 1, 0, "1", None, 10**30])}
        if pick.random() < 0.3:
            window = {"rrule": pick.choice(RULES), "start": "09:00", "end": pick.choice(["10:00", "24:00", "9"])}
            fields = {"schedule": {"windows": [window], "slot_minutes": 30, "from": "2027-01-01"}}
        elif pick.random() < 0.3:
            fields = {
                pick.choice(["name", "id", "zone", "customer", "slots", "x"]): pick.choice([1, "x", [], {}, None])
            }
        good = msgspec.json.encode(fields)
        return pick.choice(
            [good, good, good, good[:-1], b"", b"{}", b"[" * 5_000, pick.randbytes(200), gzip.compress(good),
             zlib.compress(good), b"\x1f\x8b", BOMB, b"2", b"4x\x1e" * 50, b"40/calendars,"]
        )  # fmt: skip

    def request(self) -> tuple[bytes, bool]:
        """A request, and whether it is whole: its answer can be waited for."""
        pick = self._chance
        method, path = self._path()
        lines = [f"{method} {path} HTTP/1.1"]
        named = [(name, pick.choice(ODD)) for name in pick.sample(HEADERS, pick.choice([0, 1, 1, 2, 4]))]
        has_body = method not in {"GET", "HEAD", "OPTIONS"} or pick.random() < 0.1
        body = self._body() if has_body else b""
        if has_body and pick.random() < 0.4:
            named += [("Content-Encoding", pick.choice(ENCODINGS)) for _ in range(pick.choice([1, 1, 2]))]
        if has_body and pick.random() < 0.8:
            named.append(("Content-Type", "application/json"))
        if pick.random() < 0.3:
            named.append(("Authorization", f"Bearer {self._staff}"))
        if not any(name == "Host" for name, _ in named):
            named.append(("Host", "localhost"))
        is_sound = not any(name in {"Content-Length", "Transfer-Encoding", "Expect"} for name, _ in named)
        if has_body and pick.random() < 0.4:
            named.append(("Transfer-Encoding", pick.choice(["chunked", "chunked", "chunked", "gzip, chunked"])))
            size = pick.choice([1 + len(body) // 3, 100_000])
            parts = [body[place : place + size] for place in range(0, len(body), size)]
            body = b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
        elif has_body:
            named.append(("Content-Length", str(len(body))))
        lines += [f"{name}: {_line(value)}" for name, value in named]
        head = "\r\n".join([*lines, "", ""]).encode("utf-8", "replace")
        return head + body, is_sound

    async def visit(self) -> None:
        """One request: it is sent whole and answered, or is cut off anywhere."""
        if self._chance.random() < 0.1:
            self._sid = await _open_session(self._port)
        request, is_sound = self.request()
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            if self._chance.random() < 0.4:
                await self._hang_up(writer, request)
                return
            for part in self._parts(request):
                writer.write(part)
                await asyncio.sleep(0)
            if is_sound:
                await _read_answer(reader, request)
        except ConnectionError:
            pass  # the server may close it for its input
        finally:
            writer.transport.abort()

    def _parts(self, request: bytes) -> list[bytes]:
        cut = self._chance.randrange(len(request))
        return [request] if self._chance.random() < 0.7 else [request[:cut], request[cut:]]

    async def _hang_up(self, writer: asyncio.StreamWriter, request: bytes) -> None:
        """End the connection within a request: by a close, by a reset, or of its own half only."""
        pick = self._chance
        head = request.index(b"\r\n\r\n") + 4
        writer.write(request[: pick.choice([pick.randrange(len(request)), pick.randrange(head, len(request) + 1)])])
        await asyncio.sleep(pick.choice([0, 0.001, 0.01]))
        how = pick.choice(["close", "reset", "half"])
        if how == "reset":
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        elif how == "half":
            writer.write_eof()
            await asyncio.sleep(0.02)
        else:
            writer.close()


async def _open_session(port: int) -> str:
    """Return the sid of a session of Socket.IO over long polling, for payloads to be posted to."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {POLLING} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    answer = (await reader.read()).decode()
    writer.close()
    return answer.partition('"sid":"')[2].partition('"')[0]


def _quoted(text: str) -> str:
    return text if re.fullmatch(r"%\w*", text) else quote(text.encode("utf-8", "surrogatepass"), safe="")


def _line(value: str) -> str:
    return value.replace("\0", "").replace("\ud800", "\xff")


async def _read_answer(reader: asyncio.StreamReader, request: bytes) -> None:
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            line = await reader.readline()
    except TimeoutError:
        pytest.fail(f"not answered: {request[:1_000]!r}")
    assert not line or line.startswith(b"HTTP/1."), (line, request[:1_000])
    assert line, f"hung up on: {request[:1_000]!r}"
    status = int(line.split()[1])
    assert status < 500, (line, await reader.read(1_000), request[:2_000])


async def test_nothing_that_a_stranger_sends_makes_the_server_fail(tmp_path: Path) -> None:
    """No 5xx, no traceback, no line of an error or of an address; each whole request is answered, and nothing stays."""
    with Server(tmp_path, "--no-demo", "--rate", "0", settings={"SLOTCAST_PROXIES": "127.0.0.1"}) as server:
        staff = server.command("token", "--scope", "staff").strip()
        async with Api(server.url, staff) as api:
            await api.post("/api/calendars", id="room", name="Room", zone="UTC")
            day = {"start": "2033-01-31T09:00:00Z", "end": "2033-01-31T10:00:00Z", "capacity": 1_000}
            opened = await api.post("/api/calendars/room/slots", slots=[day], key=new_key())
        files = _open_files(server)
        until, count = time.monotonic() + SECONDS, 0

        async def keep_visiting(number: int) -> None:
            nonlocal count
            stranger = Stranger(random.Random(SEED * 1_000 + number), server.port, opened["slots"][0]["id"], staff)
            while time.monotonic() < until:
                await stranger.visit()
                count += 1

        await asyncio.gather(*(keep_visiting(number) for number in range(STRANGERS)))
        print(f"{count} requests")
        assert len(server.log) < 5_000, server.log[:5_000]
        assert "Traceback" not in server.log
        assert "ERROR" not in server.log
        await _nothing_stays(server, files)


def _open_files(server: Server) -> int:
    return len(list(Path(f"/proc/{server.pid}/fd").iterdir()))


async def _nothing_stays(server: Server, files: int) -> None:
    async with aiohttp.ClientSession() as http, http.get(f"{server.url}/healthz") as answer:
        assert answer.status == 200
    await eventually(lambda: _open_files(server) <= files + 2, timeout=60)


@pytest.fixture(scope="module")
def silent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Run a server whose log stays empty."""
    with Server(tmp_path_factory.mktemp("server"), "--no-demo", "--rate", "0") as server:
        yield server
        assert "ERROR" not in server.log
        assert "127.0.0.1" not in server.log


PAGES = [("POST", "/healthz"), ("GET", "/api/calendars"), ("PUT", "/x"), ("GET", "/calendars/x.ics"), ("GET", "/")]
ROUTES = [*[(one[0], one[1].replace("{id}", "x")) for one in COMMANDS], ("POST", "/api/tickets"), ("POST", POLLING)]


async def _routes(server: Server) -> list[tuple[str, str]]:
    """Return all routes that take a body, Socket.IO's with an open session."""
    sid = await _open_session(server.port)
    return [(method, f"{path}&sid={sid}" if path == POLLING else path) for method, path in ROUTES]


@pytest.mark.parametrize("encoding", [*ENCODINGS, "gzip\r\nContent-Encoding: identity"])
@pytest.mark.parametrize("body", [b"2", gzip.compress(b'{"calendars":["x"]}'), BOMB], ids=["none", "gzip", "bomb"])
async def test_a_compressed_body_is_refused(encoding: str, body: bytes, silent: Server) -> None:
    """A body that is compressed, or only labelled so, is 415 on every route with a body; `identity` is read."""
    expected = 400 if encoding == "identity" else 415
    for method, path in await _routes(silent):
        head = f"Content-Type: application/json\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(body)}"
        reader, writer = await asyncio.open_connection("127.0.0.1", silent.port)
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{head}\r\n\r\n".encode() + body)
        answer = await reader.read()
        writer.close()
        if POLLING in path and encoding == "identity" and body == b"2":
            continue  # a packet like any other
        assert int(answer.split()[1]) == expected, (method, path, answer[:500])
        if expected == 415 and POLLING not in path:
            assert b'"code":"unsupported_encoding"' in answer


@pytest.mark.parametrize("head", ["Content-Length: 500", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize("is_reset", [False, True])
async def test_hanging_up_in_the_middle_of_a_body_is_no_fault(head: str, is_reset: bool, silent: Server) -> None:
    """On every route with a body: no line in the log, no address in it, and the server goes on."""
    for method, path in [*PAGES, *await _routes(silent)]:
        request = f"{method} {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{head}\r\n\r\n"
        for body in ("", '40\r\n{"key"', '8\r\n{"key":"\r\nzz\r\n'):
            _, writer = await asyncio.open_connection("127.0.0.1", silent.port)
            writer.write((request + body).encode())
            await writer.drain()
            await asyncio.sleep(0.01)  # so that its handler waits for the rest
            if is_reset:
                sock = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.close()
    async with aiohttp.ClientSession() as http, http.get(f"{silent.url}/readyz") as answer:
        assert answer.status == 200


@pytest.mark.parametrize("header", ["If-Modified-Since", "if-unmodified-since", "If-Range"])
@pytest.mark.parametrize("date", [f"Thu, 01 Jan {'9' * 30} 00:00:00 GMT", "Thu, 01 Jan 99999 00:00:00 GMT", "Thu"])
async def test_a_date_that_cannot_be_counted(header: str, date: str, silent: Server) -> None:
    """Every kind of route answers without a 5xx."""
    for _, path in PAGES:
        async with aiohttp.ClientSession() as http, http.get(f"{silent.url}{path}", headers={header: date}) as answer:
            assert answer.status < 500, path
