"""Imports busy times: reads the due sources, and sends their times as commands.

The last good copy of a failing source stays in force, and staff see the fault. The log has no URL.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from pathlib import Path

import msgspec

from models.contract.commands.background import CheckBusy, FailBusy, SetBusy
from models.contract.errors import Refused
from models.contract.values.time import DAY, SECOND, Clock
from models.service import DueSource
from realtime.async_service import AsyncService
from realtime.background_task import end_tasks
from realtime.busy.fetch import Fetched, Unreadable, fetch
from realtime.nodes.leader import Leader

BEFORE, AFTER = DAY, 731 * DAY
LOOK_SECONDS = 2.0  # between two looks for sources that are due
EXPAND_SECONDS = 30.0
_ROOT = str(Path(__file__).parents[2])

_log = logging.getLogger("slotcast.busy")
_times = msgspec.json.Decoder(tuple[tuple[int, int], ...])


class BusyImporter:
    """One task. It fetches the due sources together, and expands one after the other."""

    def __init__(
        self, service: AsyncService, clock: Clock, leader: Leader, *, seconds: float, allows_private: bool
    ) -> None:
        self._service = service
        self._leader = leader
        self._clock = clock
        self._interval = int(seconds * SECOND)
        self._allows_private = allows_private
        self._expanding = asyncio.Semaphore(1)
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="busy")

    async def close(self) -> None:
        await end_tasks([self._task])

    async def _run(self) -> None:
        while True:
            await self._leader.turn()
            try:
                due = await self._service.read(self._service.sync.due_sources, self._interval)
                await asyncio.gather(*map(self._try_import, due))
            except Refused as refusal:
                _log.warning("Not done now: %s", refusal.message)
            except Exception:
                _log.exception("Importing busy times failed")
            await asyncio.sleep(LOOK_SECONDS)

    async def _try_import(self, source: DueSource) -> None:
        """Import one source; a failure stops no other."""
        try:
            await self._import(source)
        except Refused as refusal:
            _log.warning("Not done now: %s", refusal.message)
        except Exception:
            _log.exception("Importing busy times failed")

    async def _import(self, source: DueSource) -> None:
        check = CheckBusy(calendar=source.calendar, source=source.id, checked_at=source.checked_at)
        if (await self._service.run(check)).result != b'{"taken":true}':
            return  # another server has it
        try:
            command = await self._read(source)
        except Unreadable as fault:
            _log.warning("Busy times of %s can't be read: %s", source.calendar, fault)
            await self._service.run(FailBusy(calendar=source.calendar, source=source.id, error=str(fault)))
            return
        await self._service.run(command)

    async def _read(self, source: DueSource) -> SetBusy:
        """Return the command with the source's busy times; raise Unreadable."""
        fetched = Fetched(None, source.etag, source.modified)
        if source.url is not None:
            fetched = await fetch(
                source.url,
                source.etag if source.body else "",
                source.modified if source.body else "",
                allows_private=self._allows_private,
            )
        done = SetBusy(
            calendar=source.calendar,
            source=source.id,
            body=fetched.body,
            etag=fetched.etag,
            modified=fetched.modified,
        )
        if fetched.body is None and not source.is_stale:
            return done
        since = self._clock() - BEFORE
        body = (source.body or b"") if fetched.body is None else fetched.body
        async with self._expanding:
            times = await expand_apart(body, source.zone, since, self._clock() + AFTER)
        return msgspec.structs.replace(done, since=since, times=times)


async def expand_apart(body: bytes, zone: str, begin: int, finish: int) -> tuple[tuple[int, int], ...]:
    """Expand a file in a process of its own; raise Unreadable for a broken file, or for a slow one."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "realtime.busy.expand", zone, str(begin), str(finish),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        cwd="/", env={"PYTHONPATH": _ROOT},
    )  # fmt: skip
    try:
        out, fault = await asyncio.wait_for(process.communicate(body), EXPAND_SECONDS)
    except TimeoutError as error:
        raise Unreadable("It takes too long to read.") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode is None or process.returncode < 0:
        raise Unreadable("It takes too long to read.")
    if process.returncode:
        raise Unreadable(fault.decode(errors="replace").strip().splitlines()[-1][:200] if fault else "It failed.")
    return _times.decode(out)
