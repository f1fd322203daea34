"""One database has one secret: a server with another one is refused before it does anything twice."""

import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cli.serve import FIT_SECONDS
from models.storage.database import database_file, open_database
from tests.support import ROOT, Api, Server, eventually
from tests.support.clients.client import new_key
from tests.support.port import free_port

SECRET = "the secret of this test's first server"
OTHER = "another one, of who has set up a second"
_REFUSAL = (
    "slotcast: SLOTCAST_SECRET is not the secret of this database: set the one that its other servers have,"
    " or stop them all and make this one its secret with `server.py secret replace`\n"
)


@pytest.fixture
def start(each_database: str, tmp_path: Path) -> Callable[[str], Server]:
    """Return a function that makes a server with this secret, always on the same database."""
    settings = {"SLOTCAST_DEMO": "0"}
    return lambda secret: Server(tmp_path, database=each_database, settings={**settings, "SLOTCAST_SECRET": secret})


_COMMANDS = (
    ("--port", str(free_port())),
    ("token", "--scope", "staff"),
    ("demo",),
    ("calendar", "create", "room"),
    ("calendar", "list"),
    ("slot", "open", "room", "2033-01-31T09:00:00Z", "2033-01-31T10:00:00Z"),
    ("slot", "close", "01977420-0000-7000-8000-000000000001"),
)


def test_another_secret_is_refused(start: Callable[[str], Server]) -> None:
    """A server and each command say so in one line without a secret; the first server goes on."""
    with start(SECRET) as first:
        for arguments in _COMMANDS:
            refused = start(OTHER).try_command(*arguments)
            assert (refused.returncode, refused.stdout, refused.stderr) == (2, "", _REFUSAL), arguments
        assert first.command("calendar", "list") == ""
        assert first.command("token").count(".") == 2
        first.restart()


async def test_a_secret_is_replaced_on_purpose(start: Callable[[str], Server]) -> None:
    """After `secret replace` the new secret is the database's; old tokens are void, bookings stay."""
    with start(SECRET) as first:
        token = first.command("token", "--scope", "staff").strip()
        async with Api(first.url, token) as api:
            await api.post("/api/calendars", id="room", name="Room", zone="Etc/UTC")
            at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
            slots = [{"start": at.isoformat(), "end": (at + timedelta(hours=1)).isoformat()}]
            opened = await api.post("/api/calendars/room/slots", slots=slots)
            path = f"/api/slots/{opened['slots'][0]['id']}/bookings"
            booking = (await api.post(path, customer={"name": "Ada"}))["booking"]
    said = start(OTHER).command("secret", "replace")
    assert "void" in said
    assert OTHER not in said
    assert start(SECRET).try_command("calendar", "list").stderr == _REFUSAL
    with start(OTHER) as second:
        async with Api(second.url, token) as api:
            assert (await api.ask("GET", "/api/calendars")).code == "unauthorized"
        async with Api(second.url) as api:
            mine = {"Booking-Token": booking["token"]}
            assert (await api.ask("GET", f"/api/bookings/{booking['id']}", headers=mine)).status == 403
        async with Api(second.url, second.command("token", "--scope", "staff").strip()) as api:
            assert (await api.get(f"/api/bookings/{booking['id']}"))["booking"]["status"] == "confirmed"


async def test_a_secret_is_rotated_while_servers_run(each_database: str, tmp_path: Path) -> None:
    """Servers before and after the change take each other's tokens, and do each other's keys once."""

    def server(secret: str, previous: str = "") -> Server:
        settings = {"SLOTCAST_DEMO": "0", "SLOTCAST_SECRET": secret, "SLOTCAST_SECRET_PREVIOUS": previous}
        return Server(tmp_path, database=each_database, settings=settings)

    at = datetime.now(UTC).replace(microsecond=0) + timedelta(days=1)
    slots = [{"start": at.isoformat(), "end": (at + timedelta(hours=1)).isoformat(), "capacity": 2}]
    with server(SECRET) as old:
        token = old.command("token", "--scope", "staff").strip()
        async with Api(old.url, token) as api:
            await api.post("/api/calendars", id="room", name="Room", zone="Etc/UTC")
            opened = await api.post("/api/calendars/room/slots", slots=slots)
    path = f"/api/slots/{opened['slots'][0]['id']}/bookings"
    with server(SECRET, OTHER) as before, server(OTHER, SECRET) as after:
        made = []
        for first, second in ((before, after), (after, before)):
            async with Api(first.url) as one, Api(second.url) as other:
                key = new_key()
                booking = (await one.post(path, customer={"name": "Ada"}, key=key))["booking"]
                again = (await other.post(path, customer={"name": "Ada"}, key=key))["booking"]
                assert again["id"] == booking["id"]
                for api in (one, other):
                    for mine in (booking, again):
                        await api.get(f"/api/bookings/{booking['id']}", **{"Booking-Token": mine["token"]})
            made.append(booking)
        fresh = after.command("token", "--scope", "staff").strip()
        for each in (before, after):
            for staff in (token, fresh):
                async with Api(each.url, staff) as api:
                    assert len((await api.get("/api/calendars"))["calendars"]) == 1
        assert server(SECRET).try_command("calendar", "list").stderr == _REFUSAL
    with server(OTHER) as new:
        async with Api(new.url, token) as api:
            assert (await api.ask("GET", "/api/calendars")).code == "unauthorized"
        async with Api(new.url, fresh) as api:
            found = (await api.get(f"/api/bookings/{made[0]['id']}"))["booking"]
            assert found["status"] == "confirmed"


async def test_a_server_that_was_not_stopped_ends(start: Callable[[str], Server]) -> None:
    """A server that runs on when the secret is replaced notices it and ends, with the same line as at a start."""
    with start(SECRET) as forgotten:
        start(OTHER).command("secret", "replace")

        async def has_ended() -> bool:
            return not forgotten.is_running

        await eventually(has_ended, 3 * FIT_SECONDS, "the end of the server")
        assert forgotten.log.endswith(_REFUSAL)


def test_an_older_database_gets_its_fingerprint(start: Callable[[str], Server]) -> None:
    """An old database stores the fingerprint of the next start; from then on that is its secret."""
    with start(SECRET) as first:
        pass
    database = open_database(first.database)
    database.connect()
    database.execute_sql("DROP TABLE secret")
    database.execute_sql("DELETE FROM schema_migration WHERE name = '0006_secret'")
    database.close()
    assert start(OTHER).command("token").count(".") == 2
    assert start(OTHER).command("calendar", "list") == ""
    assert start(SECRET).try_command("calendar", "list").stderr == _REFUSAL


def test_nothing_of_the_secret_is_in_the_database(start: Callable[[str], Server]) -> None:
    """The fingerprint is no part of the secret, and of fixed length."""
    server = start(SECRET)
    server.command("calendar", "list")
    database = open_database(server.database)
    database.connect()
    ((fingerprint,),) = database.execute_sql("SELECT fingerprint FROM secret").fetchall()
    database.close()
    assert len(fingerprint) == 32
    assert int(fingerprint, 16) >= 0


def test_of_two_that_start_at_once_one_is_refused(start: Callable[[str], Server]) -> None:
    """Two secrets on a new database: whichever comes first is the database's, in every round."""
    servers = [start(SECRET), start(OTHER)]
    running = [
        subprocess.Popen(
            [sys.executable, "server.py", "calendar", "list"],
            cwd=ROOT,
            env=server.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for server in servers
    ]
    said = [process.communicate(timeout=30)[1] for process in running]
    assert sorted(said) == ["", _REFUSAL]


def test_a_token_is_signed_where_no_database_is_yet(tmp_path: Path) -> None:
    """`token` makes no SQLite file; a PostgreSQL that does not answer is one clear line."""
    url = Server.new_database(tmp_path)
    file = database_file(url)
    server = Server(tmp_path, database=url, settings={"SLOTCAST_SECRET": SECRET})
    assert server.command("token").count(".") == 2
    assert file is None or not file.exists()
    away = f"postgresql://nobody@127.0.0.1:{free_port()}/nowhere"
    refused = Server(tmp_path, database=away, settings={"SLOTCAST_SECRET": SECRET}).try_command("token")
    assert refused.returncode == 2
    assert refused.stderr.startswith("slotcast: SLOTCAST_DATABASE can't be opened:")
