"""The writer's end of the links: bounded by each worker, private to the user, and the last to end."""

from __future__ import annotations

import os
import socket
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from queue import Empty

import pytest

from models.contract.changes import Logged
from models.contract.commands.background import CheckWriter
from models.contract.commands.command import Answer
from models.contract.errors import BadRequest
from models.service import SlotService
from realtime.writer_link import codec, server
from realtime.writer_link.codec import FrameReader, Kind
from realtime.writer_link.server import WriterServer

ROW = Logged("room", 1, "nonce", "before", "slot.booked", b"x" * 100_000)
ANSWER = Answer(calendar="room", seq=1, cursor="1.nonce", result=b"{}")


class Stand:
    """A server on the test's own thread, with workers that are bare sockets."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "writer.sock"
        self._sync = SlotService(f"sqlite:///{folder / 'slotcast.db'}", b"a secret of the tests", writers=0)
        self._sync.open()
        self.supervisor, self._end = os.pipe()
        self.server = self.another()

    def another(self) -> WriterServer:
        commits = self._sync.foreign_commits()
        return WriterServer(self.path, self.supervisor, commits, lambda: self._sync.writer_state)

    def worker(self) -> socket.socket:
        worker = socket.socket(socket.AF_UNIX)
        worker.connect(str(self.path))
        worker.settimeout(10)
        self.look()
        return worker

    def look(self) -> None:
        """Let the server take what has arrived."""
        with suppress(Empty):
            item = self.server.get(timeout=0.01)
            self.server.put(item)

    def write_as_supervisor(self) -> None:
        os.write(self._end, b"\n")

    def end_supervisor(self) -> None:
        os.close(self._end)
        self._end = -1

    def close(self) -> None:
        if self._end >= 0:
            self.end_supervisor()
        self.server.close()
        os.close(self.supervisor)
        self._sync.close()


@pytest.fixture
def stand(tmp_path: Path) -> Iterator[Stand]:
    with closing(Stand(tmp_path)) as stand:
        yield stand


class Cut:
    """Cuts what a worker receives into frames, without the state of the writer."""

    def __init__(self) -> None:
        self._reader = FrameReader()

    def read(self, data: bytes) -> list[tuple[Kind, memoryview]]:
        return [(kind, body) for kind, body in self._reader.read(data) if kind is not Kind.STATE]


def commands(count: int) -> bytes:
    return codec.frames(Kind.COMMANDS, [codec.encode_command(number, CheckWriter()) for number in range(count)])


def test_only_the_user_may_connect(stand: Stand) -> None:
    assert stat.S_IMODE(stand.path.stat().st_mode) == 0o600


def test_a_new_writer_takes_the_place_of_a_killed_one(stand: Stand) -> None:
    """The socket's file is left behind by a kill."""
    again = stand.another()
    stand.server, again = again, stand.server
    again.close()
    with stand.worker() as worker:
        worker.sendall(commands(1))
        assert stand.server.get(timeout=10) is not None


def test_answers_follow_the_rows_of_their_commit(stand: Stand) -> None:
    """One worker gets both, in this order; another one the rows alone."""
    with stand.worker() as asks, stand.worker() as watches:
        asks.sendall(commands(2))
        first = stand.server.get(timeout=10)
        second = stand.server.get_nowait()
        assert first is not None
        assert second is not None
        stand.server.send_rows([ROW])
        second.reply(BadRequest("No."))
        first.reply(ANSWER)
        stand.server.flush()
        kinds: list[Kind] = []
        others: list[Kind] = []
        cut = Cut()
        while len(kinds) < 2:
            for kind, body in cut.read(asks.recv(1 << 20)):
                kinds.append(kind)
                if kind is Kind.ANSWERS:
                    assert [number for number, _ in codec.decode_outcomes(body)] == [1, 0]
        cut = Cut()
        while not others:
            others += [kind for kind, _ in cut.read(watches.recv(1 << 20))]
        assert kinds == [Kind.ROWS, Kind.ANSWERS]
        assert others == [Kind.ROWS]


def test_a_command_that_can_not_be_read_is_answered_at_once(stand: Stand) -> None:
    with stand.worker() as worker:
        worker.sendall(codec.frames(Kind.COMMANDS, [b"\x93\x05\xa4None\x80"]))
        stand.look()
        cut, found = Cut(), list[tuple[Kind, memoryview]]()
        while not found:
            found = cut.read(worker.recv(1 << 16))
        ((kind, body),) = found
        assert kind is Kind.ANSWERS
        ((number, outcome),) = codec.decode_outcomes(body)
        assert (number, type(outcome)) == (5, BadRequest)


@pytest.mark.parametrize("data", [b"\xff" * 20, codec.LOOK], ids=["nonsense", "of the other end"])
def test_what_no_worker_sends_ends_its_link_only(stand: Stand, data: bytes) -> None:
    with stand.worker() as bad, stand.worker() as good:
        bad.sendall(data)
        good.sendall(commands(1))
        assert stand.server.get(timeout=10) is not None
        stand.look()
        while bad.recv(1 << 16):
            pass  # the state of the writer, and then the end


def test_a_worker_that_reads_nothing_is_let_go(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its waiting bytes are bounded. The others get their rows, and it will read the log."""
    monkeypatch.setattr(server, "MOST_UNSENT_BYTES", 4 << 20)
    with stand.worker() as frozen, stand.worker() as reads:
        cut, received, sent = Cut(), 0, 0
        while len(stand.server._links) == 2:
            sent += 1
            assert sent < 1_000
            stand.server.send_rows([ROW])
            stand.server.flush()
            while received < sent:
                received += len(cut.read(reads.recv(1 << 20)))
        assert received == sent
        while frozen.recv(1 << 20):
            pass  # its end comes after what it was sent


def test_a_worker_that_reads_late_gets_everything(stand: Stand) -> None:
    """More than the kernel takes at a time waits for its turn."""
    with stand.worker() as slow:
        for _ in range(50):
            stand.server.send_rows([ROW])
        stand.server.flush()
        cut, received = Cut(), 0
        while received < 50:
            stand.look()
            received += len(cut.read(slow.recv(1 << 20)))
        assert not any(link.is_blocked for link in stand.server._links.values())


def test_a_flood_is_held_back(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands that find no place stay in the socket, and come in order."""
    monkeypatch.setattr(server, "MOST_WAITING", 10)
    with stand.worker() as worker:
        worker.setblocking(False)
        sent = 0
        with suppress(BlockingIOError):
            while True:
                sent += worker.send(commands(100))
                stand.look()
        assert stand.server.qsize() < sent
        before = stand.server.qsize()
        for _ in range(5):
            stand.look()
        assert stand.server.qsize() == before


def test_it_ends_after_the_supervisor_and_all_workers(stand: Stand) -> None:
    """A worker that drains is served to its end."""
    with stand.worker() as worker:
        stand.end_supervisor()
        stand.look()
        worker.sendall(commands(1))
        assert stand.server.get(timeout=10) is not None
    assert stand.server.get(timeout=10) is None


def test_a_word_of_the_supervisor_is_not_its_end(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    """A writer that took the word for workers for the end was replaced once a minute."""
    monkeypatch.setattr(server, "END_SECONDS", 0.0)
    stand.write_as_supervisor()
    with stand.worker() as worker:
        worker.sendall(commands(1))
        assert stand.server.get(timeout=10) is not None


def test_it_does_not_wait_for_a_frozen_worker_for_ever(stand: Stand, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "END_SECONDS", 0.0)
    with stand.worker():
        stand.end_supervisor()
        assert stand.server.get(timeout=10) is None


def test_workers_know_the_state_of_the_writer(stand: Stand) -> None:
    """A fault is sent before the answers that come of it, and to a worker that connects later."""
    stand._sync._faults.note(sqlite3.OperationalError("database or disk is full"))
    stand._sync.figures.note(3, 0.1, 0.2)
    with stand.worker() as worker:
        worker.sendall(commands(1))
        asked = stand.server.get(timeout=10)
        assert asked is not None
        asked.reply(ANSWER)
        stand.server.flush()
        cut, frames = FrameReader(), list[tuple[Kind, bytes]]()
        while Kind.ANSWERS not in dict(frames):
            frames += [(kind, bytes(body)) for kind, body in cut.read(worker.recv(1 << 16))]
        kind, body = frames[0]
        assert kind is Kind.STATE
        state = codec.decode_state(memoryview(body))
        assert state == stand._sync.writer_state
        assert state.fault is not None
        other = SlotService("sqlite:///other.db", b"a secret of the tests", writers=0)
        other.take_writer_state(state, has_figures=False)
        assert other.write_fault == stand._sync.write_fault
        assert other.figures.sizes.sum == 0
        other.take_writer_state(state, has_figures=True)
        assert other.writer_state == state
