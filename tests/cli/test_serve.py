"""The start of the server: addresses it can't listen on, and databases it can't use."""

import socket
import sqlite3
from pathlib import Path

import pytest

from tests.cli.command import CommandResult, Run, check_one_line
from tests.support import Server, free_port


@pytest.mark.parametrize("host", ["a..b", "h" * 70, "nowhere.invalid", "192.0.2.1"])
def test_a_host_that_is_not_here(run: Run, host: str) -> None:
    """A host that the server can't listen on is named in one line."""
    done = run(SLOTCAST_HOST=host, SLOTCAST_PORT=str(free_port()), SLOTCAST_DEMO="0")
    check_one_line(done, "SLOTCAST_HOST", host)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_port_that_is_taken(run: Run, tmp_path: Path, workers: str) -> None:
    """A second server on the same port says so in one line. It makes no database, and migrates none."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = run(SLOTCAST_PORT=str(taken.getsockname()[1]), SLOTCAST_DEMO="0", SLOTCAST_WORKERS=workers)
    check_one_line(done, "SLOTCAST_PORT", "in use")
    assert not (tmp_path / "slotcast.db").exists()


def test_a_taken_port_is_all_that_is_said(tmp_path: Path) -> None:
    """The scheduler's reads of the demo calendar, which end with the start, are no warning."""
    with Server(tmp_path) as server:
        server.is_fresh = True  # the log of a process goes to its standard error
        refused = server.try_command("--port", str(server.port))
    check_one_line(CommandResult(refused.returncode, refused.stdout, refused.stderr), "SLOTCAST_PORT", "in use")


def test_one_address_for_clients_and_operators(run: Run) -> None:
    """Workers share their port among themselves, and not with their own address for operators."""
    address = f"127.0.0.1:{free_port()}"
    done = run(
        SLOTCAST_PORT=address.partition(":")[2],
        SLOTCAST_METRICS_LISTEN=address,
        SLOTCAST_WORKERS="2",
        SLOTCAST_DEMO="0",
    )
    check_one_line(done, "SLOTCAST_METRICS_LISTEN", "in use")


def test_a_database_newer_than_the_program(run: Run, tmp_path: Path) -> None:
    """A schema from the future is not touched."""
    run("calendar", "create", "a")
    path = tmp_path / "slotcast.db"
    with sqlite3.connect(path) as database:
        (table,) = database.execute("SELECT name FROM sqlite_master WHERE name LIKE '%migrat%'").fetchone()
        columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
        row = dict(zip(columns, database.execute(f"SELECT * FROM {table} ORDER BY 1 DESC").fetchone(), strict=True))
        row = {
            name: "9999_future" if isinstance(value, str) and value[:2] == "00" else value
            for name, value in row.items()
        }
        if isinstance(row.get("id"), int):
            row["id"] += 1
        marks = ", ".join("?" * len(row))
        database.execute(f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})", list(row.values()))
    database.execute("UPDATE oldest_program SET migration = '9999_future'")  # else this program serves it
    database.commit()
    database.close()
    check_one_line(run(), "newer")
    check_one_line(run("calendar", "list"), "newer")


def test_a_file_that_is_no_database(run: Run, tmp_path: Path) -> None:
    """A file that is not a database is not overwritten."""
    path = tmp_path / "slotcast.db"
    path.write_text("my diary\n" * 1_000)
    check_one_line(run(), "SLOTCAST_DATABASE")
    assert path.read_text().startswith("my diary")
