"""The faults that make a server unready: each one has a metric, one log line at its begin, and one at its end."""

from __future__ import annotations

import asyncio
import logging
import os
from collections import Counter
from collections.abc import Callable

from models.contract.commands.background import CheckWriter
from models.contract.errors import Overloaded, Refused
from realtime.async_service import AsyncService
from realtime.background_task import end_tasks
from realtime.reads.read_queue import Lane, Peer, reading_for

CHECK_SECONDS = 2.0  # an operator's probe waits no longer, and neither should a request
LISTENER_SECONDS = 5.0  # without a look at the log; it looks once a second
CALM_SECONDS = 5.0  # between two checks without a fault
AGAIN_SECONDS = 1.0  # between two checks with a fault
KNOWN_SECONDS = 0.4  # a probe waits no longer for a check with a fault: load balancers ask once a second
SPARE_FILES = 4  # descriptors that must be left: for a connection, and for the database's files

_REASONS = {
    "disk": "The disk of the database is full, or fails",
    "read_only": "The database is read-only",
    "locked": "Another program keeps the database locked",
    "files": "No file descriptors are left",
    "database": "The database does not answer",
    "writer": "The writer stands still",
    "listener": "The change log is not read",
    "loop": "The event loop stood still",
}
KINDS = tuple(_REASONS)

_log = logging.getLogger("slotcast.faults")


class Faults:
    """The present faults by kind, each with a sentence that anyone may read, and the number of each kind so far."""

    def __init__(self) -> None:
        self.present: dict[str, str] = {}
        self.begun: Counter[str] = Counter()

    def begin(self, kind: str, detail: str = "") -> None:
        """Note a fault; any thread may call it. Only its first notice writes a line, which has the detail."""
        if kind not in self.present:
            self.present[kind] = f"{_REASONS[kind]}."
            self.begun[kind] += 1
            _log.error("Not ready (%s): %s%s", kind, _REASONS[kind], detail and f": {detail}")

    def end(self, kind: str) -> None:
        if self.present.pop(kind, None) is not None:
            _log.warning("Over (%s): %s", kind, "ready again" if not self.present else "other faults remain")


class FaultWatch:
    """Looks for faults every five seconds, every second while there is one, and at each request of `/readyz`.

    `listener_age` is the time in seconds since the log was last read.
    """

    def __init__(self, service: AsyncService, faults: Faults, listener_age: Callable[[], float]) -> None:
        self._service = service
        self._faults = faults
        self._listener_age = listener_age
        self._task: asyncio.Task[None] | None = None
        self._checking: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="faults")

    async def close(self) -> None:
        await end_tasks([self._task, self._checking])

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(AGAIN_SECONDS if self._faults.present else CALM_SECONDS)
            try:
                await self.check(asks_database=bool(self._faults.present))
            except Exception:
                _log.exception("The server could not be checked")

    async def check_for_probe(self) -> None:
        """Check, once for all probes of the same time. While there is a fault, wait for a moment only."""
        if self._checking is None or self._checking.done():
            self._checking = asyncio.create_task(self.check(), name="probe")
        await asyncio.wait([self._checking], timeout=KNOWN_SECONDS if self._faults.present else None)
        if self._checking.done():
            await self._checking

    async def check(self, *, asks_database: bool = True) -> None:
        """Compare the faults with the present state. Without `asks_database` an idle server asks it for nothing."""
        found: dict[str, str] = {}
        reads, runs_commands = await asyncio.gather(
            self._reads() if asks_database else _nothing(), self._runs_commands()
        )
        if not reads:
            found["database"] = ""
        if not runs_commands:
            found["writer"] = ""
        if (fault := self._service.sync.write_fault) is not None:
            found.setdefault(fault.kind, fault.reason)
        if not has_spare_files():
            found["files"] = ""
        if self._listener_age() > LISTENER_SECONDS:
            found["listener"] = ""
        for kind in self._faults.present.keys() - found.keys() - {"loop"}:  # realtime/faults/loop_watch ends that one
            self._faults.end(kind)
        for kind, detail in found.items():
            self._faults.begin(kind, detail)

    async def _reads(self) -> bool:
        """Return False for a database that does not answer. A client that hangs up, or too many reads, say nothing."""
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                with reading_for(Peer("")):
                    await self._service.read(self._service.sync.check, lane=Lane.SERVER, key="check")
        except (TimeoutError, Refused):
            return False
        return True

    async def _runs_commands(self) -> bool:
        """Return False for a writer that runs no transaction. A locked calendar stops no other one.

        With a write fault, a row is written as a try: without it a server without work would never be ready again.
        """
        has_fault = self._service.sync.write_fault is not None
        if not has_fault and not self._service.must_ask_writer:
            return True
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                await self._service.run(CheckWriter(writes=has_fault))
        except TimeoutError:
            return False
        except Overloaded:
            return self._service.sync.write_fault is not None  # that fault says more
        return True


async def _nothing() -> bool:
    return True


def has_spare_files() -> bool:
    """Return whether this process can open a few more files."""
    spare: list[int] = []
    try:
        spare.extend(os.dup(0) for _ in range(SPARE_FILES))
    except OSError:
        return False
    finally:
        for descriptor in spare:
            os.close(descriptor)
    return True
