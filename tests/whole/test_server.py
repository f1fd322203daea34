"""The life of a server: how it starts, what it refuses to start with, how it ends, and what it leaves."""

import asyncio
import json
import os
import shutil
import signal
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from aiohttp import web
from playhouse.migrations import Runner

import server
from models.commands import OPERATOR, CreateCalendar
from models.database import FIRST_MIGRATION, MIGRATIONS, open_database
from tests.support import ROOT, STAFF, Api, Client, Node, Server, eventually, free_port, new_key

from .conftest import QUIET
from .counter import code_of
from .shop import in_days


class Done(NamedTuple):
    """What a command line came to."""

    code: int
    output: str
    errors: str


Run = Callable[..., Done]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Give what does `python server.py …` in a folder of its own; it is to end by itself."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("SLOTCAST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("SLOTCAST_DATABASE", f"sqlite:///{tmp_path / 'slotcast.db'}")

    def done(*arguments: str, **settings: str) -> Done:
        capfd.readouterr()
        with monkeypatch.context() as context:
            for name, value in settings.items():
                context.setenv(name, value)
            code = server.run(list(arguments))
        return Done(code, *capfd.readouterr())

    return done


def _check_one_line(done: Done, *words: str) -> None:
    """Refused: exit code 2, and one line on standard error that says which setting and why."""
    assert done.code == 2, done
    assert done.output == ""
    lines = done.errors.strip().splitlines()
    assert len(lines) == 1, done.errors
    assert lines[0].startswith("slotcast: ")
    for word in words:
        assert word.lower() in lines[0].lower(), lines[0]


BAD_SETTINGS: list[tuple[dict[str, str], tuple[str, ...]]] = [
    ({"SLOTCAST_PORT": "0"}, ("port",)),
    ({"SLOTCAST_PORT": "65536"}, ("port",)),
    ({"SLOTCAST_PORT": "http"}, ("port",)),
    ({"SLOTCAST_DATABASE": "mysql://localhost/x"}, ("SLOTCAST_DATABASE",)),
    ({"SLOTCAST_DATABASE": "postgresql://localhost/x"}, ("SLOTCAST_DATABASE",)),
    ({"SLOTCAST_DATABASE": "slotcast.db"}, ("SLOTCAST_DATABASE",)),
    ({"SLOTCAST_DATABASE": "sqlite:///:memory:"}, ("SLOTCAST_DATABASE",)),
    ({"SLOTCAST_DATABASE": "sqlite:////nowhere/at/all/x.db", "SLOTCAST_SECRET": "s" * 32}, ("SLOTCAST_DATABASE",)),
    ({"SLOTCAST_DATABASE": "sqlite:////nowhere/at/all/x.db"}, ("SLOTCAST_DATABASE", "/nowhere/at/all")),
    ({"SLOTCAST_DATABASE": "sqlite:///"}, ("SLOTCAST_DATABASE",)),
    ({"SLOTCAST_DATABASE": "sqlite:///."}, ("SLOTCAST_DATABASE", "folder")),
    ({"SLOTCAST_DATABASE": "postgresql://u@[::1/x"}, ("SLOTCAST_DATABASE",)),
    ({"SLOTCAST_SECRET": "\udcff" * 32}, ("SLOTCAST_SECRET", "UTF-8")),
    ({"SLOTCAST_SECRET": "short"}, ("SLOTCAST_SECRET", "32")),
    ({"SLOTCAST_ORIGINS": "example.org"}, ("SLOTCAST_ORIGINS", "example.org")),
    ({"SLOTCAST_ORIGINS": "https://example.org/path"}, ("SLOTCAST_ORIGINS",)),
    ({"SLOTCAST_ORIGINS": "https://example.org?x"}, ("SLOTCAST_ORIGINS",)),
    ({"SLOTCAST_ORIGINS": "https://user@example.org"}, ("SLOTCAST_ORIGINS",)),
    ({"SLOTCAST_ORIGINS": "*, http://[::1"}, ("SLOTCAST_ORIGINS", "http://[::1")),
    ({"SLOTCAST_PROXIES": "10.0.0.0/99"}, ("SLOTCAST_PROXIES",)),
    ({"SLOTCAST_PROXIES": "proxy"}, ("SLOTCAST_PROXIES",)),
    ({"SLOTCAST_SYNCHRONOUS": "off"}, ("SLOTCAST_SYNCHRONOUS",)),
    ({"SLOTCAST_LOG_LEVEL": "loud"}, ("SLOTCAST_LOG_LEVEL",)),
    ({"SLOTCAST_RATE": "-1"}, ("rate",)),
    ({"SLOTCAST_RATE": "inf"}, ("rate",)),
    ({"SLOTCAST_LOG_DAYS": "inf"}, ("log-days",)),
    ({"SLOTCAST_LOG_DAYS": "nan"}, ("log-days",)),
    ({"SLOTCAST_MAX_QUEUED_BYTES": "1"}, ("max-queued-bytes",)),
]


@pytest.mark.parametrize(("settings", "words"), BAD_SETTINGS, ids=lambda value: str(value)[:50])
def test_a_bad_setting(run: Run, tmp_path: Path, settings: dict[str, str], words: tuple[str, ...]) -> None:
    """A bad setting stops the start with one clear line and exit code 2, and makes no database."""
    _check_one_line(run(**settings), *words)
    assert not (tmp_path / "slotcast.db").exists()


@pytest.mark.parametrize("database", ["sqlite:///:memory:", "sqlite:///", "mysql://localhost/x"])
def test_no_secret_is_kept_beside_a_database_that_is_none(run: Run, tmp_path: Path, database: str) -> None:
    """The database is looked at first, and what can't be one leaves nothing behind."""
    _check_one_line(run(SLOTCAST_DATABASE=database), "SLOTCAST_DATABASE")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("host", ["a..b", "h" * 70, "nowhere.invalid", "192.0.2.1"])
def test_a_host_that_is_not_here(run: Run, host: str) -> None:
    """A host that the server can't listen on is said to be one, in one line."""
    done = run(SLOTCAST_HOST=host, SLOTCAST_PORT=str(free_port()), SLOTCAST_DEMO="0")
    _check_one_line(done, "SLOTCAST_HOST", host)


@pytest.mark.parametrize(
    ("text", "origins"),
    [
        ("", ()),
        ("*", ("*",)),
        ("http://localhost:5173, HTTPS://Example.org,", ("http://localhost:5173", "HTTPS://Example.org")),
        ("http://[::1]:8080", ("http://[::1]:8080",)),
    ],
)
def test_origins(text: str, origins: tuple[str, ...]) -> None:
    """What a browser sends as an Origin is taken, and `*`."""
    assert server.read_origins(text) == origins


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--nonsense",), ("nonsense",)),
        (("dance",), ("dance",)),
        (("--port", "x"), ("port",)),
        (("slot", "open", "nowhere", "2027-01-31T09:00:00Z", "2027-01-31T10:00:00Z"), ("not_found",)),
        (("slot", "open", "nowhere", "soon", "later"), ("bad_request", "start")),
        (("slot", "remove", "nothing"), ("not_found",)),
        (("calendar", "create", "Bad Slug"), ("bad_request",)),
        (("calendar", "create", "a", "--zone", "Mars/Olympus"), ("bad_request", "zone")),
        (("calendar", "create", "a", "--zone", "Factory"), ("bad_request", "zone")),
        (("token", "--scope", "king"), ("scope",)),
        (("token", "--ttl", "0"), ("ttl",)),
    ],
    ids=lambda value: " ".join(value)[:40],
)
def test_a_bad_command(run: Run, arguments: tuple[str, ...], words: tuple[str, ...]) -> None:
    """What the command line can't do is one line and exit code 2."""
    _check_one_line(run(*arguments), *words)


def test_help_names_every_setting(run: Run, tmp_path: Path) -> None:
    """`--help` shows each setting by flag and by variable, and each command; it starts nothing."""
    done = run("--help")
    assert done.code == 0
    text = "".join(done.output.split())
    for name in ("HOST", "PORT", "DATABASE", "SECRET", "ORIGINS", "PROXIES"):
        assert f"SLOTCAST_{name}" in text
        assert f"--{name.lower()}" in text
    for command in ("token", "demo", "calendar", "slot"):
        assert command in done.output
    assert list(tmp_path.iterdir()) == []


def test_a_port_that_is_taken(run: Run) -> None:
    """A second server on the same port says so in one line."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run(SLOTCAST_PORT=str(taken.getsockname()[1]), SLOTCAST_DEMO="0")
    _check_one_line(done, "SLOTCAST_PORT", "in use")


def test_a_database_newer_than_the_program(run: Run, tmp_path: Path) -> None:
    """A schema from the future is not touched."""
    run("calendar", "create", "a")
    path = tmp_path / "slotcast.db"
    with sqlite3.connect(path) as database:
        (table,) = database.execute("SELECT name FROM sqlite_master WHERE name LIKE '%migrat%'").fetchone()
        columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
        row = dict(zip(columns, database.execute(f"SELECT * FROM {table} ORDER BY 1 DESC").fetchone(), strict=True))
        row = {
            name: "9999_future" if isinstance(value, str) and value[:3] == "000" else value
            for name, value in row.items()
        }
        if isinstance(row.get("id"), int):
            row["id"] += 1
        marks = ", ".join("?" * len(row))
        database.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values()))
    database.close()
    _check_one_line(run(), "newer")
    _check_one_line(run("calendar", "list"), "newer")


def test_a_file_that_is_no_database(run: Run, tmp_path: Path) -> None:
    """What is no database is not overwritten."""
    path = tmp_path / "slotcast.db"
    path.write_text("my diary\n" * 1_000)
    _check_one_line(run(), "SLOTCAST_DATABASE")
    assert path.read_text().startswith("my diary")


def test_the_secret_is_its_owners(run: Run, tmp_path: Path) -> None:
    """The secret is made once, kept beside the database, and readable by its owner only."""
    first = run("token", "--scope", "staff").output
    (path,) = tmp_path.glob("*.secret")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    secret = path.read_text()
    assert len(secret.strip()) >= 32
    run("calendar", "list")
    assert path.read_text() == secret
    assert first.count(".") == 2
    for spoiled in (b"short", b"\xff" * 32):
        path.write_bytes(spoiled)
        _check_one_line(run("calendar", "list"), "SLOTCAST_SECRET")


def test_a_token_of_a_new_secret(run: Run, tmp_path: Path) -> None:
    """Who makes a token where there is no secret yet is told so: the server's may be elsewhere."""
    first, second = run("token"), run("token")
    assert str(tmp_path / "slotcast.secret") in first.errors
    assert first.output.count(".") == second.output.count(".") == 2
    assert second.errors == ""
    assert run("token", SLOTCAST_SECRET="s" * 32, SLOTCAST_DATABASE=f"sqlite:///{tmp_path / 'other.db'}").errors == ""


@pytest.mark.parametrize("room", ["calendar", "slot"])
def test_half_a_command(run: Run, room: str) -> None:
    """A command that has commands of its own explains them."""
    done = run(room)
    assert (done.code, done.errors) == (0, "")
    assert done.output.strip() == run(room, "--help").output.strip()


def test_two_that_make_the_secret_at_once(tmp_path: Path) -> None:
    """Of processes that start at once one makes the secret, and all use it."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("SLOTCAST_")}
    clean["SLOTCAST_DATABASE"] = f"sqlite:///{tmp_path / 'slotcast.db'}"
    command = [sys.executable, str(ROOT / "server.py"), "calendar", "list"]
    several = [subprocess.Popen(command, env=clean, stderr=subprocess.PIPE) for _ in range(4)]
    for process in several:
        _, problem = process.communicate(timeout=30)
        assert process.returncode == 0, problem
    assert len(list(tmp_path.glob("*.secret"))) == 1
    assert list(tmp_path.glob("*.draft")) == []


def test_a_new_database_has_a_demo(tmp_path: Path) -> None:
    """On a new database there is a demo calendar, two links are printed, and the second start keeps what there is."""
    with Server(tmp_path) as server:
        links = [word for word in server.log.split() if word.startswith("http") and len(word) > 25]
        assert links[0].endswith("/c/demo")
        assert "/staff#token=" in links[1]
        first = asyncio.run(_demo(server))
        assert 100 < len(first["slots"]) < 200
        server.restart()
        assert asyncio.run(_demo(server))["cursor"] == first["cursor"]
        assert server.log.count("/staff") == 2
        assert server.log.count("#token=") == 1, "no secret is printed where it may be kept"
        assert server.stop(signal.SIGINT) == 0
        assert server.log.rstrip().endswith("Goodbye.")


def test_a_terminal_is_told_the_token(tmp_path: Path) -> None:
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


async def test_who_never_ends_its_request_is_hung_up_on(tmp_path: Path) -> None:
    """Half a head, no word at all, and silence after an answer: each connection ends by itself; a stream goes on."""
    settings = server.Settings(secret=b"0" * 32, database=f"sqlite:///{tmp_path / 'slotcast.db'}", port=free_port())
    book = settings.book()
    book.open()
    book.run(CreateCalendar(asker=OPERATOR, calendar="room", name="Room", zone="UTC"))
    app = await server.compose(settings, book=book, web_folder=tmp_path, heartbeat_seconds=0.1)
    runner = server.runner_of(app, idle_seconds=0.3)
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
    assert (await streaming).count(b"\n:\n") >= 2
    book.close()


async def test_an_upgrade_makes_no_demo(tmp_path: Path) -> None:
    """A database of an earlier version is brought up to date, and gets no calendar that nobody has asked for."""
    early = tmp_path / "migrations"
    early.mkdir()
    shutil.copy(MIGRATIONS / f"{FIRST_MIGRATION}.py", early)
    path = tmp_path / "slotcast.db"
    with open_database(f"sqlite:///{path}") as book:
        assert list(Runner(book, str(early)).up()) == [FIRST_MIGRATION]
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
    """Asked to end, the server answers what it has taken in, tells its clients to come back, and exits with 0."""
    with Server(tmp_path, *QUIET) as server:
        token = server.command("token", "--scope", "staff").strip()
        server.command("calendar", "create", "room")
        async with Client(server.url, token=token, namespace=STAFF) as client:
            slots = [{"start": in_days(place), "end": in_days(place + 1)} for place in range(1, 51)]
            sent = [
                client.send("slot.open", {"calendar": "room", "slots": slots, "key": new_key()}) for _ in range(100)
            ]
            await sent[0]
            began = time.monotonic()
            code = await asyncio.to_thread(server.stop, number)
            assert code == 0
            assert time.monotonic() - began < 8
            assert "Goodbye." in server.log
            await eventually(lambda: client.disconnects, 5)
            answered = [answer for answer in sent if answer.done() and answer.exception() is None]
            server.start()
            assert all(code_of(answer.result()) == "ok" for answer in answered)
            opened = {slot["id"] for answer in answered for slot in answer.result()["slots"]}
            async with Api(server.url) as api:
                fresh = await api.get("/api/calendars/room/slots")
            assert opened <= {slot["id"] for slot in fresh["slots"]}
            print(len(answered), "of", len(sent), "answered")


async def _number(api: Api, metric: str) -> float:
    lines = (await api.ask("GET", "/metrics")).raw.decode().splitlines()
    return float(next(line.rpartition(" ")[2] for line in lines if line.startswith(metric)))


async def test_the_end_waits_for_nobody_who_waits(tmp_path: Path) -> None:
    """Asked to end, the server answers long polls with what there is and unfinished bodies with 503, at once."""
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
                return await _number(other, 'slotcast_connections{transport="longpoll"}') == 1

            await eventually(is_waiting, 5, "the long poll")
            began = time.monotonic()
            assert await asyncio.to_thread(server.stop) == 0
            assert time.monotonic() - began < 2
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
    """Ending is no goodbye: official clients try again by themselves, and go on by their cursor."""
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
                    asker.ask("POST", f"/api/slots/{slot['id']}/bookings", {"customer": customer}, key=new_key())
                    for slot in opened
                    for asker in (api, other)
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
    """A cursor of a history that was put back and moved on gets a snapshot of what is, never a replay."""
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
            await eventually(lambda: viewer.modes[-1] == "snapshot" and len(viewer.modes) > 1, 10)
            async with Api(server.url, token) as api:
                fresh = await api.get("/api/calendars/room/slots")
            assert (viewer.have, viewer.cursor) == (fresh["seq"], fresh["cursor"])
            assert viewer.slots == fresh["slots"]
