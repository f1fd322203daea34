"""The measurements: each is a function that returns numbers by name, for one server in one round."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from bench.book import CALENDAR, TO_BOOK
from bench.load import Ask, Group, Load
from bench.machine import Failed
from bench.peer import GUEST, STOCK, WATCHER, Peer, Running
from models.contract.commands.slots import UpdateSlot
from models.contract.principal import OPERATOR
from models.service import SlotService

Numbers = dict[str, float]
WARM_UP_CHANGES = 10
BURSTS = 8
CROWD = 50  # callers of a burst
BOOKERS = 64
BOOKING_WATCHERS = 200
MISSED_CHANGES = 20
_SETTLE_SECONDS = 60.0
_SILENCE_SECONDS = 1.0


@dataclass(frozen=True)
class Size:
    """The sizes of the measurements."""

    few: int = 1_000
    many: int = 5_000
    dropped: int = 10_000
    streams: int = 2_000
    deliveries: int = 200_000  # for one CPU figure
    paced_changes: int = 50
    bookings: int = 15_000
    slots: int = 1_000_000  # in all; a read covers those of one calendar


@dataclass(frozen=True)
class Bench:
    """The folder, the processes and the sizes of a benchmark."""

    folder: Path
    program: Path
    size: Size


Tell = Callable[[str], None]


def crowd(bench: Bench, peer: Peer, clients: int, *, has_bursts: bool) -> Numbers:
    """Measure connecting, memory, and single changes; then bursts, or five changes a second."""
    is_slow = peer.name == STOCK  # its figures are not worth minutes
    with peer.running(bench.folder) as server, Load(bench.program, server.port) as load:
        load.open("principal", peer.principal, 1)
        numbers = _join(server, load, peer.watcher, clients)
        changes = max(5, bench.size.deliveries // clients // (6 if is_slow else 1))
        numbers["delivery_us"] = _lockstep(server, load, peer.one, changes)
        if has_bursts:
            numbers["burst_deliveries_per_cpu_second"] = _bursts(server, load, peer, clients)
        else:
            paced = load.ask("principal", "paced", peer.one, bench.size.paced_changes // (3 if is_slow else 1), rate=5)
            numbers |= {"p99_ms": paced.change_p99_ms, "p50_ms": paced.change_p50_ms}
        numbers |= _loop_block(server)
    return numbers


def _join(server: Running, load: Load, watcher: Group, clients: int) -> Numbers:
    time.sleep(_SILENCE_SECONDS)
    cpu, resident = server.process.cpu_seconds(), server.process.resident_bytes()
    opened = load.open("watchers", watcher, clients)
    time.sleep(_SILENCE_SECONDS)
    return {
        "connect_us": (server.process.cpu_seconds() - cpu) * 1e6 / clients,
        "client_kb": (server.process.resident_bytes() - resident) / 1_024 / clients,
        "connects_per_second": clients / opened.seconds,
    }


def _lockstep(server: Running, load: Load, one: Ask, changes: int) -> float:
    """Return CPU microseconds a delivery."""
    load.ask("principal", "lockstep", one, WARM_UP_CHANGES)
    cpu = server.process.cpu_seconds()
    seen = load.ask("principal", "lockstep", one, changes)
    return (server.process.cpu_seconds() - cpu) * 1e6 / seen.delivered


def _bursts(server: Running, load: Load, peer: Peer, clients: int) -> float:
    """Return deliveries a CPU second, with a hundred changes at a time."""
    ask, count = peer.hundred
    is_posted = peer.principal.kind == "post"  # one after the other, because posts could overtake each other
    load.open("crowd", peer.principal, 1 if is_posted else min(CROWD, count))
    used, delivered = 0.0, 0
    bursts = 1 if peer.name == STOCK else BURSTS
    for _ in range(bursts):
        cpu = server.process.cpu_seconds()
        delivered += load.ask("crowd", "closed" if is_posted else "burst", ask, count).delivered
        used += server.process.cpu_seconds() - cpu
        time.sleep(0.05)
    if delivered != bursts * 100 * clients:
        raise Failed(f"{peer.name}: {delivered} of {bursts * 100 * clients} changes of the bursts arrived")
    return delivered / used


def stream(bench: Bench, peer: Peer, kind: str) -> Numbers:
    """Measure single changes to listeners without Socket.IO."""
    with peer.running(bench.folder) as server, Load(bench.program, server.port) as load:
        load.open("principal", peer.principal, 1)
        numbers = _join(server, load, peer.streams[kind], bench.size.streams)
        numbers["delivery_us"] = _lockstep(server, load, peer.one, bench.size.deliveries // bench.size.streams)
    return numbers


def drop(bench: Bench, peer: Peer) -> Numbers:
    """Kill the server under its subscribers, and make changes; all clients return at once, by their cursor."""
    watchers = bench.size.dropped
    with peer.running(bench.folder) as server, Load(bench.program, server.port) as load:
        load.open("principal", peer.principal, 1)
        load.come_back()  # also clients refused because of overload
        load.open("watchers", WATCHER, watchers, at_once=512)
        load.ask("principal", "lockstep", peer.one, WARM_UP_CHANGES)
        server.process.kill()
        service = SlotService(f"sqlite:///{bench.folder}/bench.db", server.secret)
        service.open()
        _change(service, MISSED_CHANGES)
        assert server.again is not None
        server.process = server.again()
        began = time.perf_counter()
        for _ in range(MISSED_CHANGES):  # and while they reconnect
            seq = _change(service, 1)
            time.sleep(0.05)
        service.close()
        seen = load.settle(seq, _SETTLE_SECONDS)
        seconds = time.perf_counter() - began
        block = _loop_block(server)
    if seen.gaps or seen.behind or seen.lost:
        raise Failed(f"Changes were lost in the drop: {seen}")
    return {
        "resumed": seen.resumed,
        "snapshots": seen.snapshots,
        "lost": seen.behind + seen.gaps,
        "seconds": seconds,
        **block,
    }


def _change(service: SlotService, count: int) -> int:
    slot = service.snapshot(CALENDAR, service.clock(), 1 << 52).slots[0].id
    for _ in range(count):
        seq = service.run(UpdateSlot(principal=OPERATOR, slot=slot, data=b'{"t":0}')).seq
    return seq


def bookings(bench: Bench, peer: Peer, ask: Ask) -> Numbers:
    """Measure acknowledged bookings with 200 subscribers: as fast as 64 callers can, then a thousand a second."""
    subscribe = tuple(step.replace(f'"calendar":"{CALENDAR}"', f'"calendar":"{TO_BOOK}"') for step in WATCHER.steps)
    with peer.running(bench.folder) as server, Load(bench.program, server.port) as load:
        load.slots(bench.folder / "slots.txt")
        load.open("bookers", GUEST, BOOKERS)
        load.open("watchers", WATCHER._replace(steps=subscribe), BOOKING_WATCHERS)
        load.ask("bookers", "closed", ask, bench.size.bookings // 10)
        cpu = server.process.cpu_seconds()
        closed = load.ask("bookers", "closed", ask, bench.size.bookings)
        used = server.process.cpu_seconds() - cpu
        opened = load.ask("bookers", "paced", ask, bench.size.bookings // 3, rate=1_000)
        block = _loop_block(server)
    return {
        "bookings_per_second": closed.acked / closed.seconds,
        "closed_p99_ms": closed.ack_p99_ms,
        "cpu_us_per_booking": used * 1e6 / closed.acked,
        "open_p50_ms": opened.ack_p50_ms,
        "open_p99_ms": opened.ack_p99_ms,
        **block,
    }


def _loop_block(server: Running) -> Numbers:
    """Return the longest block of Slotcast's event loop by its metrics; nothing for other servers."""
    if server.again is None:
        return {}
    with urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=10) as response:
        text: str = response.read().decode()
    found = re.search(r"^slotcast_loop_block_seconds_max (\S+)$", text, re.MULTILINE)
    return {"loop_block_ms": float(found[1]) * 1_000} if found else {}


def json_of(size: Size) -> dict[str, Any]:
    """Return the sizes for the results."""
    return {name: getattr(size, name) for name in Size.__dataclass_fields__}
