"""The machine under the measurement: two separate cores, and the system's count of the CPU of a process."""

from __future__ import annotations

import os
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

_START_SECONDS = 30.0
_STOP_SECONDS = 15.0
_OPEN_FILES = 65_536
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Failed(Exception):
    """A measurement that can't be made; the message is one clear line."""


def cores() -> tuple[int, int]:
    """Return the server's core and the load's."""
    usable = sorted(os.sched_getaffinity(0))
    if len(usable) < 2:
        raise Failed("The bench needs two cores: one for the server, one for the load.")
    return usable[0], usable[1]


def raise_open_files() -> None:
    """Raise the limit of open files, for this process and its children, to the need of 10,000 clients."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    for wanted in (max(hard, _OPEN_FILES), hard):  # root may go beyond the hard limit
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, max(wanted, hard)))
        except (ValueError, OSError):
            continue
        soft = wanted
        break
    if soft < 12_000:
        raise Failed(f"The bench needs 12,000 open files and may have {soft}: `ulimit -n 20000` allows them.")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


class Process:
    """One server, alone on the first core, or on all cores if it `spreads`.

    `cpu_seconds` and `resident_bytes` are those of all its processes.
    """

    def __init__(
        self, command: Sequence[str], *, folder: Path, environment: dict[str, str] | None = None, spreads: bool = False
    ) -> None:
        self._log = (folder / f"{Path(command[0]).name}-{time.time_ns()}.log").open("w+")
        pin = [] if spreads else ["taskset", "-c", str(cores()[0])]
        self._process = subprocess.Popen(
            [*pin, *command],
            stdout=self._log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **(environment or {})},
            cwd=Path(__file__).parents[1],
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_for(self, url: str) -> None:
        """Return when a server answers there."""
        until = time.monotonic() + _START_SECONDS
        while time.monotonic() < until and self._process.poll() is None:
            try:
                with urlopen(url, timeout=1):  # noqa: S310 - our own server
                    return
            except (URLError, OSError):
                time.sleep(0.02)
        self._log.seek(0)
        raise Failed(f"{self._process.args!r} did not start:\n{self._log.read()[-2_000:]}")

    def wait_for_listeners(self, port: int, count: int) -> None:
        """Return when so many sockets listen on the port: the kernel gives clients only to workers that do."""
        until = time.monotonic() + _START_SECONDS
        while _listeners(port) < count:
            if time.monotonic() > until:
                raise Failed(f"{self._process.args!r} does not listen {count} times.")
            time.sleep(0.02)

    def _family(self) -> list[int]:
        pids = [self.pid]
        for pid in pids:
            children = Path(f"/proc/{pid}/task/{pid}/children")
            if children.exists():
                pids += [int(child) for child in children.read_text().split()]
        return pids

    def cpu_seconds(self) -> float:
        """User and system time of the server since its start."""
        return sum(map(cpu_seconds, self._family()))

    def cpu_seconds_of_workers(self) -> dict[int, float]:
        """Return the same of each process that the server has started; of the server itself if there is none."""
        family = self._family()
        return {pid: cpu_seconds(pid) for pid in family[1:] or family}

    def resident_bytes(self) -> int:
        return sum(int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_BYTES for pid in self._family())

    def kill(self) -> None:
        """Kill the process, like a power cut."""
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Stop the process in good order, or kill it after a while."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()
        self._log.close()


def _listeners(port: int) -> int:
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return sum(fields[1].endswith(f":{port:04X}") and fields[3] == "0A" for fields in lines)


def cpu_seconds(pid: int) -> float:
    """Read the process's own clock in nanoseconds; without it, utime + stime of /proc in 10 ms."""
    try:
        return time.clock_gettime((~pid << 3) | 2)  # what clock_getcpuclockid(3) makes of a pid on Linux
    except OSError:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS


def busy_seconds() -> float:
    """Return the CPU of all processes of this machine so far; the part of other processes is the noise."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    user, nice, system, _, _, irq, softirq, steal = map(int, fields[:8])
    return (user + nice + system + irq + softirq + steal) / _TICKS
