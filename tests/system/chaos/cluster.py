"""Three servers on one PostgreSQL and one Redis, behind a HAProxy that gives each request to the next server."""

import os
import signal
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from functools import cached_property
from pathlib import Path
from typing import Self

from realtime.access.auth import Auth
from tests.support import ROOT, Api, Server, eventually, free_port
from tests.support.databases.postgres import Postgres
from tests.support.databases.redis import Redis
from tests.support.haproxy import WITHOUT_STICKINESS, HAProxy

PATIENCE_SECONDS = 90.0
_SECRET = "a secret that all of the servers know"
_FAKETIME = next(iter(sorted(Path("/usr/lib").glob("**/libfaketimeMT.so.1"))), None)


class Member(Server):
    """One server with its workers. Its signals go to all of its processes."""

    clock: Path | None = None
    _all_flags: tuple[str, ...] = ()
    ready_seconds = PATIENCE_SECONDS  # beside all clients, which come back meanwhile

    @property
    def workers(self) -> list[int]:
        """Return the processes of the workers; none for a server that is one process."""
        with suppress(OSError):
            return [int(pid) for pid in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]
        return []

    def kill9(self) -> None:
        workers = self.workers
        super().kill9()
        _signal(signal.SIGKILL, workers)

    def freeze(self) -> None:
        _signal(signal.SIGSTOP, [self.pid, *self.workers])

    def thaw(self) -> None:
        _signal(signal.SIGCONT, [*self.workers, self.pid])

    def use_clock(self, *, is_settable: bool) -> None:
        """Restart with a clock that can be set, and without workers, or with the machine's clock and all workers."""
        assert self.clock is not None, "no libfaketime on this machine (Debian: libfaketime)"
        self.set_clock(0)
        settings = _settable(self.clock)
        if is_settable:
            self._settings |= settings
            self._all_flags, self._flags = self._flags, ()
        else:
            self._settings = {name: value for name, value in self._settings.items() if name not in settings}
            self._flags = self._all_flags
        self.restart()

    def set_clock(self, seconds: int) -> None:
        """Set its clock wrong by so much."""
        assert self.clock is not None
        new = self.clock.with_suffix(".new")
        new.write_text(f"{seconds:+}\n")
        new.replace(self.clock)


def _settable(clock: Path) -> dict[str, str]:
    """Return the settings of a process whose clock is off by what stands in the file."""
    return {
        "LD_PRELOAD": str(_FAKETIME),
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }


def _signal(number: signal.Signals, pids: list[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


class Cluster:
    """The servers, from `__enter__` to `__exit__`. Clients come to `url`, and staff have a `token`.

    The last server may restart with a clock that can be set, where libfaketime is on this machine. It has no workers
    then: Python's `time.sleep` may fail under libfaketime, and would end the process that starts them. All the time it
    would not do: a server takes three times the CPU under libfaketime.
    """

    def __init__(
        self,
        folder: Path,
        postgres: Postgres,
        *,
        workers: Sequence[int],
        drain_seconds: float,
        check_seconds: str = "1s",
        spreads: bool = True,
        root: Path = ROOT,
    ) -> None:
        """`workers` are the numbers of each server, and `check_seconds` the time between two checks of HAProxy.

        HAProxy `spreads` the requests, or places them by the calendar. `root` is the folder of the servers' program.
        """
        self._drain_seconds = drain_seconds
        self.postgres = postgres
        self.redis = Redis()
        self.database = postgres.new_url()
        self.token = Auth(_SECRET.encode()).write_token("staff", scope="staff", calendars="*", seconds=86_400)
        self.members = [
            self._member(folder, count, place, has_clock=place == len(workers) - 1)
            for place, count in enumerate(workers)
        ]
        for member in self.members:
            member.root, member.is_fresh = root, member.is_fresh or root != ROOT
        changes = [*(WITHOUT_STICKINESS if spreads else ()), ("inter 1s", f"inter {check_seconds}")]
        self.haproxy = HAProxy([member.port for member in self.members], changes)
        self._stack = ExitStack()

    def _member(self, folder: Path, workers: int, place: int, *, has_clock: bool) -> Member:
        port = free_port()
        settings = {
            "SLOTCAST_SECRET": _SECRET,
            "SLOTCAST_REDIS": self.redis.url,
            "SLOTCAST_PEER_URL": f"http://127.0.0.1:{port}",
            "SLOTCAST_PROXIES": "127.0.0.1",
            "SLOTCAST_DRAIN_SECONDS": str(self._drain_seconds),
            "SLOTCAST_RATE": "0",
            "SLOTCAST_DEMO": "0",
        }
        flags = ["--workers", str(workers)] if workers > 1 else []
        member = Member(folder, *flags, port=port, database=self.database, settings=settings, may_crash=True)
        has_clock = has_clock and _FAKETIME is not None
        member.is_fresh = member.is_fresh or has_clock or workers > 1  # a supervisor repeats its own command line
        if has_clock:
            member.clock = folder / f"clock-{place}"
        return member

    async def open(self, api: Api, count: int) -> list[str]:
        """Make so many calendars, once the servers are there."""
        await eventually(lambda: self.up() == self.members, PATIENCE_SECONDS, "all servers behind the proxy")
        names = [f"shop-{number}" for number in range(count)]
        for name in names:
            await api.post("/api/calendars", id=name, name="Shop", zone="Europe/Vienna", policy={"max_holds": 99})
        return names

    @cached_property
    def url(self) -> str:
        return self.haproxy.url

    def command(self, *arguments: str) -> str:
        return self.members[0].command(*arguments)

    def up(self) -> list[Member]:
        """Return the members that get requests."""
        return [member for member, is_up in zip(self.members, self.haproxy.states(), strict=True) if is_up]

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.enter_context(self.redis)
            for member in self.members:
                stack.enter_context(member)
            stack.enter_context(self.haproxy)
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        for member in self.members:
            if member.is_running:
                member.thaw()
        self._stack.close()
