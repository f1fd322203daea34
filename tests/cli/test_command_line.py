"""The command line: settings, what it refuses to start with, and what it does but to serve."""

import os
import socket
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

import server
from tests.support import ROOT, free_port


class CommandResult(NamedTuple):
    """What a command line came to."""

    code: int
    output: str
    errors: str


Run = Callable[..., CommandResult]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """Give what does `python server.py …` in a folder of its own; it is to end by itself."""
    monkeypatch.chdir(tmp_path)
    for name in os.environ:
        if name.startswith("SLOTCAST_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("SLOTCAST_DATABASE", f"sqlite:///{tmp_path / 'slotcast.db'}")

    def done(*arguments: str, **settings: str) -> CommandResult:
        capfd.readouterr()
        with monkeypatch.context() as context:
            for name, value in settings.items():
                context.setenv(name, value)
            code = server.run(list(arguments))
        return CommandResult(code, *capfd.readouterr())

    return done


def _check_one_line(done: CommandResult, *words: str) -> None:
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
    ({"SLOTCAST_ORIGINS": "capacitor://"}, ("SLOTCAST_ORIGINS", "capacitor://")),
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


def test_check_says_what_is_wrong_and_repairs_it(run: Run, tmp_path: Path) -> None:
    """A line for each thing, and exit code 1, until it is repaired."""
    assert run("calendar", "create", "room").code == 0
    slot = run("slot", "open", "room", "2033-01-31T09:00:00Z", "2033-01-31T10:00:00Z").output.strip()
    assert run("check") == (0, "Nothing is wrong.\n", "")
    with sqlite3.connect(tmp_path / "slotcast.db") as connection:
        connection.execute("DROP TRIGGER outside_slot_update")
        connection.execute("UPDATE slot SET blocked = 1")
    found = run("check")
    assert found.code == 1
    assert found.output.splitlines() == [f"room: {slot}: it is not blocked by as many neighbours as have a seat taken"]
    assert run("check", "--repair").output.splitlines()[-2:] == ["1 found, 0 left", "Nothing is wrong."]
    assert run("check").code == 0
