"""A database put back under a running server: who watched and who comes then see what is in it."""

import asyncio
import re
from functools import partial
from pathlib import Path

import pytest

from tests.support import Api, Client, Server, backup, eventually, is_same

from .conftest import QUIET
from .counter import make_world

_CUT_OFF = re.compile(r'slotcast_connections_closed_total\{.*reason="history replaced".*\} [1-9]')


@pytest.mark.parametrize("others", [0, 3, 6], ids=["lower", "equal", "higher"])
async def test_a_copy_put_back_under_a_running_server(others: int, tmp_path: Path) -> None:
    """Old watchers and new ones end with what the database has, however far the copy has got, and hear what follows."""
    served, copied = (f"sqlite:///{tmp_path / name}.db" for name in ("served", "copied"))
    settings = {"SLOTCAST_SECRET": "a secret that goes with the database and its copy"}
    with (
        Server(tmp_path, *QUIET, database=served, settings=settings) as server,
        Server(tmp_path, *QUIET, database=copied, settings=settings) as other,
    ):
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
            await eventually(lambda: old.connects == 2, 10, "the old watcher's return")
            late = await new.watch("room")
            await api.ask("PATCH", f"/api/slots/{world.held}", {"data": "last"})
            fresh = await api.get("/api/calendars/room/slots")
            assert fresh["seq"] == world.seq + others + 4
            for watcher in (viewer, late):
                await eventually(partial(watcher.is_at, fresh["seq"]), 10, "the last change")
                assert is_same(watcher.slots, fresh["slots"])
                assert watcher.cursor == fresh["cursor"]
            assert viewer.modes == ["snapshot", "snapshot"]
            assert _CUT_OFF.search((await api.ask("GET", "/metrics")).raw.decode())
