"""The load: drives bench/load.c, and compiles it at its first use."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from bench.machine import Failed, cores, cpu_seconds

_SOURCE = Path(__file__).with_name("load.c")


class Group(NamedTuple):
    """Clients of one kind: their address, and the messages that join them."""

    kind: str
    path: str
    steps: tuple[str, ...] = ()


class Ask(NamedTuple):
    """A request that makes `each` changes for all watchers; 0 where they do not watch the same calendar.

    `$n` is its number, `$t` the time in nanoseconds, `$s` a slot.
    """

    text: str
    each: int = 1


class Seen(NamedTuple):
    """The observations of the load since the last answer. Latencies begin at the request; times are milliseconds."""

    seconds: float
    sent_seconds: float  # until the last request was sent
    timely: int  # accepted until then
    held_back: int  # not sent, since the server did not read their clients
    ready: int
    lost: int
    asked: int
    acked: int
    refused: int
    delivered: int
    gaps: int
    resumed: int
    snapshots: int
    behind: int
    ack_p50_ms: float
    ack_p99_ms: float
    change_p50_ms: float
    change_p99_ms: float
    change_max_ms: float


def compile_load(folder: Path) -> Path:
    """Compile the load client; raise Failed with one line if there is no compiler."""
    compiler = shutil.which(os.environ.get("CC", "cc")) or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise Failed("The load client is in C, and there is no compiler here: install one (cc), or set CC.")
    program = folder / "load"
    done = subprocess.run(
        [compiler, "-O2", "-Wall", "-o", str(program), str(_SOURCE)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise Failed(f"bench/load.c could not be compiled:\n{done.stderr}")
    return program


class Load:
    """One process with all the clients of one measurement, on the second core, or on any if it `spreads`."""

    def __init__(self, program: Path, port: int, *, spreads: bool = False) -> None:
        pin = [] if spreads else ["taskset", "-c", str(cores()[1])]
        self._process = subprocess.Popen(
            [*pin, str(program)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            bufsize=1,
        )
        self.accepted = 0  # of all offers
        self._tell(f"port {port}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()

    def _tell(self, line: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")

    def _hear(self) -> Seen:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise Failed("The load client has ended.")
        return Seen(**json.loads(line))

    def open(self, name: str, group: Group, count: int, *, at_once: int = 256) -> Seen:
        """Connect and join; raise Failed if a client can't."""
        self._tell(f"group {name} {group.kind} {group.path}")
        for step in group.steps:
            self._tell(f"step {name} {step}")
        self._tell(f"open {name} {count} {at_once}")
        seen = self._hear()
        if seen.lost:
            raise Failed(f"{seen.lost} of {count} clients were not let in.")
        return seen

    def slots(self, file: Path) -> None:
        """Set the values of `$s`, one a line."""
        self._tell(f"slots {file}")

    def ask(self, name: str, mode: str, ask: Ask, count: int, *, rate: float = 0.0) -> Seen:
        """Send so many requests: one at a time until every client has the change ("lockstep"), one at a time for each
        caller ("closed"), `rate` a second ("paced"), or all at once ("burst"). Raise Failed if a change is missing or
        refused.
        """
        self._tell(f"ask {name} {mode} {count} {ask.each} {rate} {ask.text}")
        seen = self._hear()
        if seen.acked != count or seen.refused or seen.gaps or seen.lost:
            raise Failed(f"Not every request was answered, or not every change arrived: {seen}")
        return seen

    def offer(self, name: str, ask: Ask, count: int, *, rate: float = 0.0) -> Seen:
        """Send so many requests at a rate, or one at a time for each caller. The server may refuse some of them.

        `accepted` counts the others. The latencies are theirs too.
        """
        self._tell(f"ask {name} {'paced' if rate else 'closed'} {count} {ask.each} {rate} {ask.text}")
        seen = self._hear()
        if seen.acked + seen.held_back != seen.asked or seen.lost:
            raise Failed(f"Not every request was answered once: {seen}")
        self.accepted += seen.acked - seen.refused
        return seen

    def cpu_seconds(self) -> float:
        """User and system time of the load since its start."""
        return cpu_seconds(self._process.pid)

    def come_back(self) -> None:
        """From now on a disconnected client connects again as soon as it can."""
        self._tell("resume on")

    def settle(self, seq: int, seconds: float) -> Seen:
        """Until every watcher has the change `seq`."""
        self._tell(f"settle {seq} {seconds}")
        return self._hear()
