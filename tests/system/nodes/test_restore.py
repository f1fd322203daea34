"""A database restored under a running server: old and new subscribers see its state."""

import asyncio
import re
from functools import partial
from pathlib import Path

import pytest

from tests.support import Api, Client, Server, eventually, is_same
from tests.support.databases import backup
from tests.support.databases.postgres import Postgres
from tests.support.example import make_world
from tests.system.conftest import QUIET

_CUT_OFF = re.compile(r'slotcast_connections_closed_total\{.*reason="history replaced".*\} [1-9]')


@pytest.mark.parametrize("others", [0, 3, 6], ids=["lower", "equal", "higher"])
async def test_a_copy_put_back_under_a_running_server(others: int, tmp_path: Path) -> None:
    """Old and new subscribers end with the database's state, with a copy of any length, and get later changes."""
    served, copied = (f"sqlite:///{tmp_path / name}.db" for name in ("served", "copied"))
    for name in ("served", "copied"):
        (tmp_path / f"{name}.secret").write_text("the one secret of both of these databases")
    with Server(tmp_path, *QUIET, database=served) as server, Server(tmp_path, *QUIET, database=copied) as other:
        token = server.command("token", "--scope", "staff").strip()
        async with Api(server.url, token) as api, Client(server.url) as old, Client(server.url) as new:
            world = await make_world(api, "room")
            await asyncio.to_thread(backup.copy, served, copied)
            viewer = await old.watch("room")
            for number in range(3):
                await api.ask("PATCH", f"/api/slots/{world.slot}", {"data": number})
            await eventually(lambda: len(viewer.applied) == 3)
            async with Api(other.url, other.command("token", "--scope", "staff").strip()) as elsewhere:
                for number in range(others):
                    await elsewhere.ask("PATCH", f"/api/slots/{world.slot}", {"data": [number]})
            await asyncio.to_thread(backup.copy, copied, served)
            for number in range(3):
                answer = await api.ask("PATCH", f"/api/slots/{world.held}", {"data": number})
                assert answer.code == "ok"
            await eventually(lambda: old.connects == 2, what="the old watcher's return")
            late = await new.watch("room")
            await api.ask("PATCH", f"/api/slots/{world.held}", {"data": "last"})
            fresh = await api.get("/api/calendars/room/slots")
            assert fresh["seq"] == world.seq + others + 4
            for watcher in (viewer, late):
                await eventually(partial(watcher.is_at, fresh["seq"]), what="the last change")
                assert is_same(watcher.slots, fresh["slots"])
                assert watcher.cursor == fresh["cursor"]
            assert viewer.modes == ["snapshot", "snapshot"]
            assert _CUT_OFF.search((await api.ask("GET", "/metrics")).raw.decode())


@pytest.mark.only("postgres")
async def test_a_dump_of_postgresql(postgres: Postgres, tmp_path: Path) -> None:
    """A dump made under a running server is a sound database, and a client resumes on it with its cursor."""
    served, restored = postgres.new_database(), postgres.new_database()
    dump = str(Path(postgres.socket_folder) / f"{served}.dump")
    with Server(tmp_path, *QUIET, database=postgres.url_of(served)) as server:
        async with Api(server.url, server.command("token", "--scope", "staff").strip()) as api:
            world = await make_world(api, "room")
            await asyncio.to_thread(postgres.run, "pg_dump", "-Fc", f"--file={dump}", postgres.url_of(served))
            await api.ask("PATCH", f"/api/slots/{world.slot}", {"data": "lost"})
    await asyncio.to_thread(postgres.run, "pg_restore", "--no-owner", "-d", postgres.url_of(restored), dump)
    with Server(tmp_path, *QUIET, database=postgres.url_of(restored)) as server:
        assert server.command("check") == "Nothing is wrong.\n"
        async with (
            Client(server.url) as client,
            Api(server.url, server.command("token", "--scope", "staff").strip()) as api,
        ):
            viewer = await client.watch("room")
            assert viewer.have == world.seq
            await api.ask("PATCH", f"/api/slots/{world.slot}", {"data": "kept"})
            await eventually(partial(viewer.is_at, world.seq + 1))
