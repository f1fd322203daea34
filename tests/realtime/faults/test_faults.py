"""Readiness tells the truth about a failing machine: each fault has a reason, a metric and one line, and it ends."""

import asyncio
import logging
import os
import resource
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import aiohttp
import pytest

from models.service import SlotService
from realtime.faults.faults import KINDS, Faults, FaultWatch
from realtime.reads.read_queue import Peer, reading_for
from realtime.reads.readers import CHECK_SECONDS as READS_CHECK_SECONDS
from tests.realtime.room_stack import RoomStack
from tests.support import Api, Server, eventually
from tests.support.databases.postgres import Postgres
from tests.support.process import ROOT

SECRET = "a secret that only the tests of faults know"
END_SECONDS = 40.0  # a locked database is waited for, 10 s at a time


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Mount a small disk; only root may."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("this user may not mount a disk; test_a_file_that_may_not_grow has the same law")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


async def rename(api: Api, name: str) -> int:
    return (await api.ask("PATCH", "/api/calendars/shared", {"name": name})).status


async def meets(server: Server, kind: str, begin: Callable[[], object], end: Callable[[], object]) -> None:
    """Check the law: the fault is answered, counted and logged once while requests go on, and is over after its end."""
    token = server.command("token", "--scope", "staff").strip()
    async with Api(server.url, token) as api:
        created = await api.ask("POST", "/api/calendars", {"id": "shared", "name": "Shared", "zone": "Etc/UTC"})
        assert created.status == 201, created.body
        assert (await api.ask("GET", "/readyz")).status == 200
        before = server.log
        begin()
        try:
            writing = asyncio.create_task(_keep_writing(api))

            async def is_unready() -> bool:
                answer = await api.ask("GET", "/readyz")
                return answer.status == 503 and kind in answer.body["details"].get("faults", [])

            await eventually(is_unready, END_SECONDS, f"readiness without {kind}")
            metrics = (await api.ask("GET", "/metrics")).raw.decode()
            assert f'slotcast_fault{{fault="{kind}"}} 1.0' in metrics
            assert (await api.ask("GET", "/livez")).status == 200
        finally:
            end()

        async def is_ready() -> bool:
            return (await api.ask("GET", "/readyz")).status == 200

        await eventually(is_ready, END_SECONDS, "readiness again")
        writing.cancel()
        await asyncio.gather(writing, return_exceptions=True)

        async def is_written() -> bool:
            return await rename(api, "After") == 200

        await eventually(is_written, END_SECONDS, "a write")
    lines = server.log[len(before) :].splitlines()
    assert len([line for line in lines if f"Not ready ({kind})" in line]) == 1, lines
    assert len([line for line in lines if f"Over ({kind})" in line]) == 1, lines
    assert len(lines) < 40, lines


async def _keep_writing(api: Api) -> None:
    number = 0
    while True:
        number += 1
        with suppress(aiohttp.ClientError):
            await rename(api, f"Name {number} " + "x" * 80)


def quiet(folder: Path, **more: str) -> Server:
    return Server(folder, "--no-demo", "--log-level", "warning", settings={"SLOTCAST_SECRET": SECRET, **more})


async def test_a_full_disk(disk: Path, tmp_path: Path) -> None:
    """Also the files of the WAL are on the disk."""
    url = f"sqlite:///{disk / 'slotcast.db'}"
    filler = disk / "filler"
    settings = {"SLOTCAST_SECRET": SECRET}

    def fill() -> None:
        with filler.open("wb", buffering=0) as file, suppress(OSError):
            while True:
                file.write(b"\0" * 4_096)

    with Server(tmp_path, "--no-demo", "--log-level", "warning", database=url, settings=settings) as server:
        await meets(server, "disk", fill, filler.unlink)


async def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    """A limit of the process refuses a write as a failing disk does."""
    with quiet(tmp_path) as server:
        await meets(server, "disk", lambda: _limit_file_size(server), lambda: _limit(server, resource.RLIMIT_FSIZE, -1))


def _limit_file_size(server: Server) -> None:
    _limit(server, resource.RLIMIT_FSIZE, Path(server.database.removeprefix("sqlite:///") + "-wal").stat().st_size)


async def test_a_lock_of_another_program(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    """SQLite waits for it for ten seconds; the writer stands still meanwhile."""
    if not request.config.getoption("--long"):
        pytest.skip("it takes 16 s: only with --long; tests/realtime/http/test_health.py has the writer that stands")
    with quiet(tmp_path) as server:
        locking = sqlite3.connect(server.database.removeprefix("sqlite:///"), isolation_level=None)
        with closing(locking):
            await meets(
                server, "locked", lambda: locking.execute("BEGIN IMMEDIATE"), lambda: locking.execute("ROLLBACK")
            )


async def test_no_descriptors_left(tmp_path: Path) -> None:
    """The open connections go on meanwhile."""
    with quiet(tmp_path) as server:
        used = max(map(int, os.listdir(f"/proc/{server.pid}/fd")))  # noqa: PTH208 - the names alone
        most = resource.prlimit(server.pid, resource.RLIMIT_NOFILE)[0]
        await meets(
            server,
            "files",
            lambda: _limit(server, resource.RLIMIT_NOFILE, used // 2),
            lambda: _limit(server, resource.RLIMIT_NOFILE, most),
        )


async def test_a_postgresql_that_became_a_standby(tmp_path: Path, postgres: Postgres) -> None:
    """As after a failover, with the address of the old primary."""
    settings = {"SLOTCAST_SECRET": SECRET}
    flags = ("--no-demo", "--log-level", "warning")
    with Server(tmp_path, *flags, database=postgres.new_url(), settings=settings) as server:
        await meets(server, "read_only", postgres.demote, postgres.recover)


def _limit(server: Server, kind: int, soft: int) -> None:
    hard = resource.prlimit(server.pid, kind)[1]
    resource.prlimit(server.pid, kind, (soft, hard))


async def test_a_listener_that_does_not_read(stack: RoomStack, caplog: pytest.LogCaptureFixture) -> None:
    """Changes of other servers would stay away. The fault begins and ends once, however often it is looked for."""
    faults, age = Faults(), 6.0
    watch = FaultWatch(stack.service, faults, lambda: age)
    with caplog.at_level(logging.WARNING, "slotcast.faults"):
        for _ in range(3):
            await watch.check()
            assert faults.present == {"listener": "The change log is not read."}
        age = 0.5
        for _ in range(3):
            await watch.check()
            assert faults.present == {}
    assert len(caplog.records) == 2
    assert faults.begun == {"listener": 1}


async def test_a_client_that_hangs_up_is_no_fault(stack: RoomStack, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stranger asks for readiness and is gone before the database's answer, which takes a while."""
    faults = Faults()
    watch = FaultWatch(stack.service, faults, lambda: 0.0)
    monkeypatch.setattr(SlotService, "check", lambda _service: time.sleep(3 * READS_CHECK_SECONDS))
    with reading_for(Peer("a stranger", lambda: True)):
        await watch.check()
    assert faults.begun == {}


def test_each_kind_has_its_section() -> None:
    """docs/operations.md says what to do about each fault."""
    text = (ROOT / "docs" / "operations.md").read_text()
    for kind in KINDS:
        assert f"| `{kind}` |" in text, kind


def test_the_tests_are_on_linux() -> None:
    """`prlimit` of another process is Linux's."""
    assert hasattr(resource, "prlimit") == (os.uname().sysname == "Linux")
