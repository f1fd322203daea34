"""The life of a server: its start, its end, and the files that it leaves."""

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web
from playhouse.migrations import Runner

from cli.serve import compose, runner_of
from cli.settings import Settings
from models.contract.commands.calendars import CreateCalendar
from models.contract.principal import OPERATOR
from models.storage.database import FIRST_MIGRATION, MIGRATIONS, open_database
from tests.support import ROOT, STAFF, Api, Client, Node, Server, eventually, free_port, new_key
from tests.support.example import in_days
from tests.system.both_transports import code_of, number_of
from tests.system.conftest import QUIET


def test_a_new_database_has_a_demo(tmp_path: Path) -> None:
    """A new database has a demo calendar; two links without a token are printed; the second start keeps all."""
    with Server(tmp_path) as server:
        links = [word for word in server.log.split() if word.startswith("http") and len(word) > 25]
        assert links[0].endswith("/c/demo")
        assert links[1].endswith("/staff")
        assert "server.py account create makes an account" in server.log
        first = asyncio.run(_demo(server))
        assert 100 < len(first["slots"]) < 200
        server.restart()
        assert asyncio.run(_demo(server))["cursor"] == first["cursor"]
        assert server.log.count("/staff") == 2
        assert "#token=" not in server.log, "no secret is printed where it may be kept"
        assert server.stop(signal.SIGINT) == 0
        assert server.log.rstrip().endswith("Goodbye.")


def test_the_files_of_a_database_are_its_owners(tmp_path: Path) -> None:
    """The database, SQLite's files beside it and the secret are for one user; old files cause a warning."""

    def modes() -> dict[str, int]:
        return {path.name: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.glob("slotcast.*")}

    with Server(tmp_path) as server:
        names = {"slotcast.db", "slotcast.db-wal", "slotcast.db-shm", "slotcast.secret"}
        assert modes() == dict.fromkeys(names, 0o600)
        server.stop()
        assert "chmod" not in server.log
        (tmp_path / "slotcast.db").chmod(0o644)
        server.start()
        assert f"slotcast.db is open to other users of this machine (mode 0644): chmod 600 {tmp_path}" in server.log


def test_a_terminal_shows_the_token(tmp_path: Path) -> None:
    """On a terminal each start prints the staff page's link with its token."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SLOTCAST_")}
    url = Server.new_database(tmp_path)
    command = [sys.executable, "server.py", "--port", str(free_port()), "--database", url, "--secret", "s" * 32]
    seen, shown = os.openpty()
    with open(seen, "rb", buffering=0) as terminal, open(shown, "wb", buffering=0):  # noqa: PTH123 - descriptors
        for _ in range(2):
            with subprocess.Popen(command, cwd=ROOT, env=clean, stdout=shown, stderr=shown) as process:
                told = b""
                while b"Staff page" not in told or not told.endswith(b"\r\n\r\n"):
                    told += terminal.read(1_000)
                process.terminate()
                while b"Goodbye." not in told:
                    told += terminal.read(1_000)
            assert b"/staff#token=" in told


async def test_a_request_without_an_end_is_closed(tmp_path: Path) -> None:
    """Half a head, no word at all, and silence after an answer: each connection ends by itself; a stream goes on."""
    settings = Settings(secret=b"0" * 32, database=f"sqlite:///{tmp_path / 'slotcast.db'}", port=free_port())
    service = settings.service()
    service.open()
    service.run(CreateCalendar(principal=OPERATOR, calendar="room", name="Room", zone="UTC"))
    app = await compose(settings, service=service, web_folder=tmp_path)
    runner = runner_of(app, settings.bounds, idle_seconds=0.3)
    await runner.setup()
    await web.TCPSite(runner, settings.host, settings.port).start()

    async def last_words(words: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(settings.host, settings.port)
        writer.write(words)
        heard = await asyncio.wait_for(reader.read(), 10)
        writer.close()
        await writer.wait_closed()
        return heard

    streaming = asyncio.create_task(last_words(b"GET /api/calendars/room/events HTTP/1.1\r\nHost: a\r\n\r\n"))
    answered = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
    heard = await asyncio.gather(*map(last_words, (b"", b"GET / HTTP/1.1\r\nHost:", answered)))
    assert heard[:2] == [b"", b""]
    assert heard[2].startswith(b"HTTP/1.1 200 ")
    assert not streaming.done()
    await runner.cleanup()
    assert b"event: snapshot" in await streaming
    service.close()


async def test_an_upgrade_makes_no_demo(tmp_path: Path) -> None:
    """A database of an earlier version is migrated, and gets no demo calendar."""
    early = tmp_path / "migrations"
    early.mkdir()
    shutil.copy(MIGRATIONS / f"{FIRST_MIGRATION}.py", early)
    path = tmp_path / "slotcast.db"
    with open_database(f"sqlite:///{path}") as service:
        assert list(Runner(service, str(early)).up()) == [FIRST_MIGRATION]
    with sqlite3.connect(path) as database:
        row = ("old", "Old", "UTC", "private", "anyone", "{}", False, 0, 0, "c0ffee")
        database.execute(f"INSERT INTO calendar VALUES ({', '.join('?' * len(row))})", row)
    database.close()
    with Server(tmp_path, database=f"sqlite:///{path}") as server:
        async with Api(server.url, server.command("token", "--scope", "staff").strip()) as api:
            assert [info["id"] for info in (await api.get("/api/calendars"))["calendars"]] == ["old"]


async def _demo(server: Server) -> dict[str, list[str]]:
    async with Api(server.url) as api:
        found: dict[str, list[str]] = await api.get("/api/calendars/demo/slots")
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_writes_in_flight_are_answered(tmp_path: Path, number: signal.Signals) -> None:
    """On a stop the server answers all requests under way, tells its clients to come back, and exits with 0."""
    with Server(tmp_path, *QUIET) as server:
        token = server.command("token", "--scope", "staff").strip()
        server.command("calendar", "create", "room")
        async with Client(server.url, token=token, namespace=STAFF) as client:
            slots = [{"start": in_days(1), "end": in_days(2)}]
            sent = [
                client.send("slot.open", {"calendar": "room", "slots": slots, "duplicates": True, "key": new_key()})
                for _ in range(200)
            ]
            await sent[0]
            began = time.monotonic()
            code = await asyncio.to_thread(server.stop, number)
            assert code == 0
            assert time.monotonic() - began < 8
            assert "Goodbye." in server.log
            await eventually(lambda: client.disconnects)
            answered = [answer for answer in sent if answer.done() and answer.exception() is None]
            server.start()
            assert all(code_of(answer.result()) == "ok" for answer in answered)
            opened = {slot["id"] for answer in answered for slot in answer.result()["slots"]}
            async with Api(server.url) as api:
                fresh = await api.get("/api/calendars/room/slots")
            assert opened == {slot["id"] for slot in fresh["slots"]}
            print(len(answered), "of", len(sent), "answered")


async def test_the_end_waits_for_no_idle_client(tmp_path: Path) -> None:
    """On a stop the server answers long polls with their state and incomplete bodies with 503, at once."""
    with Server(tmp_path, *QUIET) as server:
        server.command("calendar", "create", "room")
        halves = []
        for path in ("/api/slots/x/holds", f"/socket.io/?EIO=4&transport=polling&sid={await _polling_sid(server)}"):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
            writer.write(f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n".encode())
            writer.write(b"Content-Length: 100\r\n\r\n{")
            halves.append((reader, writer))
        async with Api(server.url) as api, Api(server.url) as other:
            cursor = (await api.get("/api/calendars/room/slots"))["cursor"]
            poll = asyncio.create_task(api.ask("GET", f"/api/calendars/room/changes?wait=60&after={cursor}"))

            async def is_waiting() -> bool:
                return await number_of(other, 'slotcast_connections{transport="longpoll"}') == 1

            await eventually(is_waiting, what="the long poll")
            began = time.monotonic()
            assert await asyncio.to_thread(server.stop) == 0
            assert time.monotonic() - began < 8
            answer = await poll
            assert (answer.status, answer.body["changes"], answer.body["cursor"]) == (200, [], cursor)
        heads = []
        for reader, writer in halves:
            heads.append(await reader.read())
            writer.close()
            await writer.wait_closed()
        assert heads[0].startswith(b"HTTP/1.1 503 ")
        assert b"Retry-After: " in heads[0]
        assert b'"code":"overloaded"' in heads[0]
        assert heads[1].startswith(b"HTTP/1.1 "), "the engine answers in its own words"


async def _polling_sid(server: Server) -> str:
    async with Api(server.url) as api:
        answer = await api.ask("GET", "/socket.io/?EIO=4&transport=polling")
    return str(json.loads(answer.raw[1:])["sid"])


async def test_clients_of_a_server_that_ends_come_back(tmp_path: Path, node: Callable[..., Node]) -> None:
    """After a stop official clients reconnect by themselves, and resume by their cursor."""
    with Server(tmp_path, *QUIET) as server:
        server.command("calendar", "create", "room")
        server.command("slot", "open", "room", in_days(3), in_days(4))
        watcher = node("watcher.mjs", server.url, "room")
        await asyncio.to_thread(watcher.read_until, lambda told: told["saw"] == "subscribed")
        await asyncio.to_thread(server.stop)
        told = await asyncio.to_thread(watcher.read_until, lambda told: told["saw"] == "disconnected")
        assert told["active"] is True
        server.command("slot", "open", "room", in_days(1), in_days(2))
        await asyncio.to_thread(server.start)
        told = await asyncio.to_thread(watcher.read_until, lambda told: told["saw"] == "subscribed")
        assert told["mode"] == "resumed"
        watcher.send({"look": True})
        copy = await asyncio.to_thread(watcher.read_until, lambda told: told["saw"] == "copy")
        assert (len(copy["slots"]), copy["applied"]) == (2, [2])


async def test_two_servers_on_one_file(tmp_path: Path) -> None:
    """Two servers on one SQLite file push each other's changes, in one order, and book no seat twice."""
    with Server(tmp_path, *QUIET) as one, Server(tmp_path, *QUIET, port=free_port(), database=one.database) as two:
        token = one.command("token", "--scope", "staff").strip()
        one.command("calendar", "create", "room")
        async with (
            Client(one.url) as here, Client(two.url) as there, Api(one.url, token) as api, Api(two.url, token) as other,
        ):  # fmt: skip
            viewers = [await here.watch("room"), await there.watch("room")]
            slots = [{"start": in_days(place), "end": in_days(place + 0.5)} for place in range(1, 41)]
            opened = (await api.post("/api/calendars/room/slots", slots=slots))["slots"]
            await eventually(lambda: len(viewers[1].applied) == 1)
            customer = {"name": "Ada"}
            answers = await asyncio.gather(
                *(
                    principal.ask("POST", f"/api/slots/{slot['id']}/bookings", {"customer": customer}, key=new_key())
                    for slot in opened
                    for principal in (api, other)
                )
            )
            codes = [answer.code for answer in answers]
            assert codes.count("ok") == codes.count("slot_unavailable") == len(opened)
            fresh = await api.get("/api/calendars/room/slots")
            await eventually(lambda: {viewer.have for viewer in viewers} == {fresh["seq"]})
            for viewer in viewers:
                assert viewer.is_whole
                assert viewer.gaps == 0
                assert [slot["status"] for slot in viewer.slots] == ["booked"] * len(opened)


def _put_back(earlier: Path, path: Path) -> None:
    for leftover in (f"{path}-wal", f"{path}-shm"):
        Path(leftover).unlink(missing_ok=True)
    shutil.copy(earlier, path)


async def test_a_database_that_was_put_back(tmp_path: Path) -> None:
    """A cursor of a replaced history gets a snapshot of the state, never a replay."""
    with Server(tmp_path, *QUIET, database=f"sqlite:///{tmp_path / 'slotcast.db'}") as server:
        token = server.command("token", "--scope", "staff").strip()
        server.command("calendar", "create", "room")
        async with Client(server.url) as client:
            viewer = await client.watch("room")
            server.command("slot", "open", "room", in_days(1), in_days(2))
            await eventually(lambda: viewer.applied)
            await asyncio.to_thread(server.stop)
            path = Path(server.database.removeprefix("sqlite:///"))
            shutil.copy(path, tmp_path / "earlier.db")
            await asyncio.to_thread(server.start)
            server.command("slot", "open", "room", in_days(3), in_days(4))
            await eventually(lambda: len(viewer.applied) == 2)
            await asyncio.to_thread(server.stop)
            _put_back(tmp_path / "earlier.db", path)
            server.command("slot", "open", "room", in_days(5), in_days(6))
            await asyncio.to_thread(server.start)
            await eventually(lambda: viewer.modes[-1] == "snapshot" and len(viewer.modes) > 1)
            async with Api(server.url, token) as api:
                fresh = await api.get("/api/calendars/room/slots")
            assert (viewer.have, viewer.cursor) == (fresh["seq"], fresh["cursor"])
            assert viewer.slots == fresh["slots"]
