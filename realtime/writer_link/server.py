"""The writer's end of the links: it takes the commands of all workers, and sends them answers and the rows of commits.

One thread does all, in turn: it reads what the workers have sent, runs a batch of commands, and sends each worker the
rows of the commit and its own answers by one write. So no thread waits for another one's turn with the interpreter.
"""

from __future__ import annotations

import logging
import os
import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from queue import Empty

from models.contract.changes import Logged
from models.contract.errors import Refused
from models.service import ForeignCommits, Outcome, QueuedCommand, WriterState
from realtime.writer_link.codec import (
    LOOK,
    BrokenLink,
    FrameReader,
    Kind,
    decode_commands,
    encode_outcome,
    encode_rows,
    encode_state,
    frames,
)

MOST_UNSENT_BYTES = 32 << 20  # to one worker: one that reads nothing for so long reads the log when it comes back
MOST_WAITING = 20_000  # commands; the sockets hold further ones back
READ_BYTES = 256 << 10  # of one worker, before the others' turn
SEND_BUFFER_BYTES = 1 << 20  # the kernel's
STATE_SECONDS = 1.0  # between two notices of the writer's state, but for a fault
END_SECONDS = 60.0  # after the supervisor: workers have that long to let their clients go
_BACKLOG = 128

_log = logging.getLogger("slotcast.writer_link")


class _Link:
    """The connection of one worker."""

    def __init__(self, peer: socket.socket) -> None:
        self.peer = peer
        self.frames = FrameReader()
        self.unsent = bytearray()
        self.is_blocked = False
        self._outcomes: list[bytes] = []

    def reply(self, number: int, outcome: Outcome) -> None:
        self._outcomes.append(encode_outcome(number, outcome))

    def collect(self) -> bytearray:
        """Return all that is to be sent: rows first, then the answers of their commits."""
        if self._outcomes:
            self.unsent += frames(Kind.ANSWERS, self._outcomes)
            self._outcomes = []
        return self.unsent


class WriterServer:
    """The source of the writer's commands (a `CommandSource`), for the thread of the writer alone.

    `read_state` returns the writer's state. The source ends once `supervisor`, a descriptor, is at its end, and the
    workers have closed their links.
    """

    def __init__(
        self, path: Path, supervisor: int, commits: ForeignCommits, read_state: Callable[[], WriterState]
    ) -> None:
        self._commits = commits
        self._read_state = read_state
        self._state: WriterState | None = None  # the last one that was sent
        self._stated_at = float("-inf")
        self._supervisor = supervisor
        self._waiting: deque[QueuedCommand | None] = deque()
        self._links: dict[int, _Link] = {}
        self._ends_at: float | None = None
        self._has_ended = False
        self._selector = selectors.DefaultSelector()
        path.unlink(missing_ok=True)  # of a writer that was killed
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        path.chmod(0o600)
        self._listener.listen(_BACKLOG)
        self._listener.setblocking(False)  # noqa: FBT003 - the standard library's
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(supervisor, selectors.EVENT_READ)
        self._watched = -1
        self._buffer = memoryview(bytearray(READ_BYTES))

    # The source

    def put(self, item: QueuedCommand | None) -> None:
        self._waiting.append(item)

    def qsize(self) -> int:
        return len(self._waiting)

    def get(self, block: bool = True, timeout: float | None = None) -> QueuedCommand | None:  # noqa: FBT001, FBT002 - as SimpleQueue
        """Read what has arrived, and return the next command."""
        give_up_at = None if timeout is None else time.monotonic() + timeout
        self._look(0.0)
        while not self._waiting:
            left = None if give_up_at is None else give_up_at - time.monotonic()
            if not block or (left is not None and left <= 0):
                raise Empty
            self._look(left)
        return self._waiting.popleft()

    def get_nowait(self) -> QueuedCommand | None:
        if not self._waiting:
            raise Empty
        return self._waiting.popleft()

    def send_rows(self, rows: list[Logged]) -> None:
        """Send the rows of a commit to every worker, before the answers of their commands."""
        data = frames(Kind.ROWS, encode_rows(rows))
        for link in self._links.values():
            link.unsent += data

    def flush(self) -> None:
        """Send what has been collected since the last call."""
        self._collect_state()
        for handle, link in list(self._links.items()):
            if link.collect():
                self._send(handle, link)

    def close(self) -> None:
        for handle in list(self._links):
            self._drop(handle)
        self._selector.close()
        self._listener.close()
        self._commits.close()

    # The sockets

    def _look(self, seconds: float | None) -> None:
        """Take what is there on all sockets; wait so long for the first of it."""
        self._watch_file()
        wait = self._commits.due_in()
        if seconds is not None:
            wait = min(wait, seconds)
        for key, events in self._selector.select(wait):
            if key.fileobj is self._listener:
                self._accept()
            elif key.fd == self._supervisor and not os.read(key.fd, READ_BYTES):
                self._begin_end()
            elif key.fd in self._links:
                self._serve(key.fd, events)
        if self._commits.look():
            for link in self._links.values():
                link.unsent += LOOK
            self.flush()
        elif time.monotonic() - self._stated_at >= STATE_SECONDS:
            self.flush()
        self._end_if_due()

    def _serve(self, handle: int, events: int) -> None:
        """Send to a worker that can take more, and read what it has sent."""
        if events & selectors.EVENT_WRITE:
            self._send(handle, self._links[handle])
        if events & selectors.EVENT_READ and handle in self._links and len(self._waiting) < MOST_WAITING:
            self._read(handle, self._links[handle])

    def _collect_state(self) -> None:
        """Collect the writer's state once a second, and a fault at once: before the answers that come of it."""
        now, state = time.monotonic(), self._read_state()
        is_due = now - self._stated_at >= STATE_SECONDS
        if state != self._state and (is_due or self._state is None or state.fault != self._state.fault):
            data = frames(Kind.STATE, [encode_state(state)])
            for link in self._links.values():
                link.unsent += data
            self._state = state
        if is_due:
            self._stated_at = now

    def _watch_file(self) -> None:
        """Wake for writes to the database's file as well. The descriptor is there once the file is."""
        descriptor = self._commits.descriptor
        if descriptor != self._watched:
            if self._watched >= 0:
                self._selector.unregister(self._watched)
            if descriptor >= 0:
                self._selector.register(descriptor, selectors.EVENT_READ)
            self._watched = descriptor

    def _accept(self) -> None:
        with suppress(OSError):
            peer, _ = self._listener.accept()
            peer.setblocking(False)  # noqa: FBT003 - the standard library's
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
            link = self._links[peer.fileno()] = _Link(peer)
            if self._state is not None:
                link.unsent += frames(Kind.STATE, [encode_state(self._state)])
            self._selector.register(peer, selectors.EVENT_READ)

    def _read(self, handle: int, link: _Link) -> None:
        try:
            data = self._buffer[: link.peer.recv_into(self._buffer)].tobytes()
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._drop(handle)
            return
        try:
            for kind, body in link.frames.read(data):
                self._take(link, kind, body)
        except BrokenLink as error:
            _log.warning("A worker's link is given up: %s", error)
            self._drop(handle)
            return
        if not self._waiting and link.collect():
            self._send(handle, link)  # refusals only: no batch ends after them

    def _take(self, link: _Link, kind: Kind, body: memoryview) -> None:
        if kind is not Kind.COMMANDS:
            raise BrokenLink(f"{kind.name} from a worker")
        for number, command in decode_commands(body):
            if isinstance(command, Refused):
                link.reply(number, command)
            else:
                self._waiting.append(QueuedCommand(command, partial(link.reply, number), {}))

    def _send(self, handle: int, link: _Link) -> None:
        try:
            while link.unsent:
                del link.unsent[: link.peer.send(link.unsent)]
        except BlockingIOError:
            pass
        except OSError:
            self._drop(handle)
            return
        if len(link.unsent) > MOST_UNSENT_BYTES:
            _log.warning("A worker reads nothing, and its link is closed")
            self._drop(handle)
        elif link.is_blocked is not bool(link.unsent):
            link.is_blocked = bool(link.unsent)
            events = selectors.EVENT_READ | (selectors.EVENT_WRITE if link.is_blocked else 0)
            self._selector.modify(link.peer, events)

    def _drop(self, handle: int) -> None:
        """Close a link. Its commands are still run, and the worker asks again for the answers with their keys."""
        link = self._links.pop(handle)
        self._selector.unregister(link.peer)
        link.peer.close()

    # The end

    def _begin_end(self) -> None:
        """The supervisor has gone, or has stopped all workers: serve the links that are left."""
        self._selector.unregister(self._supervisor)
        self._ends_at = time.monotonic() + END_SECONDS

    def _end_if_due(self) -> None:
        if self._ends_at is None or self._has_ended:
            return
        if not self._links or time.monotonic() > self._ends_at:
            self._has_ended = True
            self._waiting.append(None)
