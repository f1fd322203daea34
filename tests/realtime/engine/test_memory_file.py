"""Large messages to many clients: their pages are shared, and every client has the same bytes in the same order."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from realtime.engine import ConnectionWriter, Counters, Event, Limits, Packet, write_all
from realtime.engine.memory_file import FEWEST_CLIENTS, SHARED_BYTES
from tests.support import eventually

CLIENTS = FEWEST_CLIENTS + 4


def _bytes_of(packet: Packet) -> bytes:
    return b"".join(event.payload for event in packet.events)


def _packet(number: int, size: int = SHARED_BYTES) -> Packet:
    return Packet([Event("/", b'"change"', b"%d " % number * (size // 2))])


def _files() -> int:
    """Return the number of open files of packets."""
    found = [link.readlink() for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return sum("slotcast-packet" in str(name) for name in found)


class Pairs:
    """Server's ends as writers, and the clients' ends as sockets that nobody reads until the end."""

    def __init__(self) -> None:
        self.writers: list[ConnectionWriter] = []
        self.clients: list[socket.socket] = []

    async def open(self, count: int) -> None:
        loop = asyncio.get_running_loop()
        for _ in range(count):
            ours, theirs = socket.socketpair()
            ours.setblocking(False)
            writer = ConnectionWriter(Limits(max_queued_bytes=50_000_000), Counters(), "")
            writer.format = _bytes_of
            transport, _ = await loop.create_connection(asyncio.Protocol, sock=ours)
            writer.begin(transport)
            theirs.setblocking(False)
            self.writers.append(writer)
            self.clients.append(theirs)

    async def read(self, client: socket.socket, size: int) -> bytes:
        data = b""
        while len(data) < size:
            data += await asyncio.wait_for(asyncio.get_running_loop().sock_recv(client, 1_000_000), 10)
        return data

    async def close(self) -> None:
        for writer, client in zip(self.writers, self.clients, strict=True):
            writer.abort("test")
            client.close()
        await eventually(lambda: all(writer.transport is None for writer in self.writers))


@pytest.fixture
async def pairs() -> AsyncIterator[Pairs]:
    made = Pairs()
    yield made
    await made.close()


@pytest.mark.parametrize("size", [SHARED_BYTES - 100, SHARED_BYTES, 3_000_000])
async def test_all_clients_get_all_bytes_in_order(pairs: Pairs, size: int) -> None:
    """Also where the kernel takes only a part, and the rest waits before later, small messages."""
    await pairs.open(CLIENTS)
    packets = [_packet(1, size), _packet(2, 10), _packet(3, size)]
    for packet in packets:
        write_all(pairs.writers, packet)
    sent = b"".join(map(_bytes_of, packets))
    for client in pairs.clients:
        assert (await pairs.read(client, len(sent)) == sent) is True


@pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="files in memory are Linux's")
async def test_a_file_ends_with_its_packet(pairs: Pairs) -> None:
    """One file serves every slice of the recipients; afterwards its descriptor is closed."""
    await pairs.open(2 * CLIENTS)
    packet = _packet(1)
    for first in (0, CLIENTS):
        write_all(pairs.writers[first : first + CLIENTS], packet)
    assert _files() == 1
    del packet
    assert _files() == 0
    for client in pairs.clients:
        assert await pairs.read(client, SHARED_BYTES) == _bytes_of(_packet(1))


async def test_without_such_files_the_bytes_are_copied(pairs: Pairs, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system has none, or the process has no descriptor left."""

    def refuse(_name: str) -> int:
        raise OSError

    monkeypatch.setattr(os, "memfd_create", refuse, raising=False)
    await pairs.open(CLIENTS)
    packet = _packet(1)
    assert packet.memory_file(_bytes_of) is None
    write_all(pairs.writers, packet)
    for client in pairs.clients:
        assert await pairs.read(client, SHARED_BYTES) == _bytes_of(packet)


async def test_few_clients_need_no_file(pairs: Pairs) -> None:
    await pairs.open(FEWEST_CLIENTS - 1)
    write_all(pairs.writers, _packet(1))
    assert _files() == 0
