"""A Socket.IO connection, its requests, and its clients: one client per joined namespace.

The promise: requests begin in the order in which they were sent, and at most `max_in_flight` of them run at once.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from enum import Enum, auto
from typing import Any, ClassVar, Final

from realtime.engine.budget import cost_of
from realtime.engine.engineio.connection import ConnectionHost, EngineConnection, Formats
from realtime.engine.socketio.encoder import socketio_frames, socketio_text
from realtime.engine.websocket.frame import encode_texts, whole_texts

PARKED_BYTES: Final = 1_000  # the weight of a request in the backlog, beside its own bytes


class ClientState(Enum):
    """The state of a client. It only ever moves down this list."""

    JOINING = auto()  # its connect handler runs
    JOINED = auto()
    LEAVING = auto()  # its disconnect handler runs


class NamespaceClient:
    """The client of one connection in one namespace: the thing that a Socket.IO sid names.

    It knows its rooms, so that leaving costs its own rooms only.
    """

    __slots__ = ("_callbacks", "_early", "_last_callback", "connection", "namespace", "rooms", "sid", "state")

    def __init__(self, sid: str, namespace: str, connection: "Connection") -> None:
        self.sid = sid
        self.namespace = namespace
        self.connection = connection
        self.state = ClientState.JOINING
        self.rooms: tuple[str, ...] = ()  # mostly one: a set of one is 216 bytes
        self._early: list[Callable[[], object]] | None = None
        self._callbacks: dict[int, Callable[..., Any]] | None = None
        self._last_callback = 0

    def send(self, action: Callable[[], object]) -> None:
        """Run this write, but after the CONNECT reply: some clients drop earlier packets."""
        if self.state is ClientState.JOINING:
            if self._early is None:
                self._early = []
            self._early.append(action)
        else:
            action()

    def joined(self) -> None:
        """Run the writes that waited for the CONNECT reply."""
        self.state = ClientState.JOINED
        early, self._early = self._early, None
        for action in early or ():
            action()

    def expect_ack(self, callback: Callable[..., Any]) -> int:
        """Keep a callback for the client's acknowledgement. Return the new ack id."""
        if self._callbacks is None:
            self._callbacks = {}
        self._last_callback += 1
        self.connection.expect_answer()
        self._callbacks[self._last_callback] = callback
        return self._last_callback

    @property
    def is_asked(self) -> bool:
        """Return whether an acknowledgement of this client is awaited."""
        return bool(self._callbacks)

    def take_callback(self, ack_id: int) -> Callable[..., Any] | None:
        """Remove and return the callback of this ack id."""
        return self._callbacks.pop(ack_id, None) if self._callbacks else None


class Connection(EngineConnection):
    """An Engine.IO session with its namespace clients and its requests."""

    __slots__ = ("_backlog", "_backlog_bytes", "_in_flight", "_refusals", "_waiting", "clients")

    formats: ClassVar[Formats] = Formats(socketio_frames, socketio_text)

    def __init__(self, server: ConnectionHost, sid: str, address: str, query: str) -> None:
        super().__init__(server, sid, address, query)
        self.clients: tuple[NamespaceClient, ...] = ()
        self._in_flight = 0
        self._backlog: deque[tuple[Callable[[], object], int]] | None = None  # requests read past the limit
        self._backlog_bytes = 0
        self._refusals: list[bytes] | None = None  # of the bytes that are being read
        self._waiting: deque[asyncio.Future[None]] | None = None  # requests in `until_writable`

    def request(self, begin: Callable[[], object], size: int) -> None:
        """Begin a request. At `max_in_flight` running requests, reading pauses until one has ended.

        Reading goes on while acknowledgements of this client are awaited, perhaps by the running requests. Further
        requests then wait in a bounded backlog, and reading pauses when it is full.
        """
        if self._in_flight < self.server.max_in_flight:
            self._begin(begin)
        else:
            if self._backlog is None:
                self._backlog = deque()
            self._backlog.append((begin, size + PARKED_BYTES))
            self._backlog_bytes += size + PARKED_BYTES
        if not self.may_read():
            self.pause_reading()

    @property
    def may_answer_at_once(self) -> bool:
        """Whether a request can't overtake another one of the client, and this loop iteration has time for it."""
        return not self._in_flight and not self.is_request_delayed and self.server.admission.has_time

    def note_answer_at_once(self) -> None:
        """Stop reading if the answer waits for the client."""
        if not self.may_read():
            self.pause_reading()

    def refuse(self, text: bytes) -> None:
        """Acknowledge a request that is refused in an overload.

        All refusals of the bytes just read leave by one write.
        """
        self._queue_refusals([text])

    def _queue_refusals(self, texts: list[bytes]) -> None:
        if self._refusals is None:
            self._refusals = []
            asyncio.get_running_loop().call_soon(self._send_refusals)
        self._refusals += texts

    def refuse_late(self, data: bytes) -> bytes:
        """Refuse late requests at the begin of the data together, at a fraction of the usual cost (WebSocket)."""
        if self._tail is not None:
            data, self._tail = bytes(self._tail) + data, None
        texts, stops = whole_texts(data)
        refusals = self.server.refuse_late(self, texts) if texts else []
        if not refusals or (self.budget is not None and not self.spend(len(refusals) + cost_of(stops[-1]))):
            return data
        self._queue_refusals(refusals)
        return data[stops[len(refusals) - 1] :]

    def _send_refusals(self) -> None:
        texts, self._refusals = self._refusals or [], None
        self.counters.packets_out += len(texts)
        self.counters.bytes_out += sum(map(len, texts))
        if self.mailbox is None:
            self.put_reply(encode_texts(texts))
        else:
            for text in texts:
                self.put_reply(text)

    def end_request(self) -> None:
        """Note that a request has been answered."""
        self._in_flight -= 1
        if self._backlog and self._in_flight < self.server.max_in_flight:
            self._begin_next()
        self.read_on()

    def begin_backlog(self) -> None:
        """Begin all requests of the backlog: the client's DISCONNECT comes behind them."""
        while self._backlog:
            self._begin_next()

    def on_client_close(self) -> None:
        """Begin all requests of the backlog: the client's close comes behind them."""
        self.begin_backlog()

    def _begin(self, begin: Callable[[], object]) -> None:
        self._in_flight += 1
        self.server.admission.run(begin, self.server.request_seconds)

    def _begin_next(self) -> None:
        assert self._backlog is not None
        begin, weight = self._backlog.popleft()
        self._backlog_bytes -= weight
        self._begin(begin)

    def expect_answer(self) -> None:
        """Read on for the client's acknowledgement, even at `max_in_flight` running requests."""
        if self.is_reading_paused:
            asyncio.get_running_loop().call_soon(self.read_on)

    def may_read(self) -> bool:
        """Return whether more may be read. The usual case comes first: this runs after each request."""
        if self.is_congested or self._blockers:
            return False
        if self._in_flight < self.server.max_in_flight:
            return True
        is_awaited = any(client.is_asked for client in self.clients)
        return is_awaited and self._backlog_bytes < self.limits.max_queued_bytes

    @property
    def is_request_delayed(self) -> bool:
        """Return whether a request has to wait until it is writable."""
        return (self.is_congested and self.is_open) or bool(self._waiting)

    async def until_writable(self) -> None:
        """Wait, in order, while earlier answers are not taken. One request at a time may add to them."""
        if not self.is_request_delayed:
            return
        if self._waiting is None:
            self._waiting = deque()
        admitted = asyncio.get_running_loop().create_future()
        self._waiting.append(admitted)
        try:
            await admitted
        finally:
            self._waiting.remove(admitted)
            # Only in the next loop iteration is it known whether the answer of this request is taken.
            asyncio.get_running_loop().call_soon(self._admit_waiting)

    def _admit_waiting(self) -> None:
        if self._waiting and not self._waiting[0].done() and (not self.is_congested or not self.is_open):
            self._waiting[0].set_result(None)

    def read_on(self) -> None:
        """Continue with the waiting requests, then resume reading if nothing is in the way."""
        if self._waiting:
            self._admit_waiting()
        if self.is_reading_paused:
            super().read_on()

    def on_end(self, reason: str) -> None:
        """Drop the backlog, admit the waiting requests, and tell the server (ConnectionWriter)."""
        self._backlog = None
        self._admit_waiting()
        super().on_end(reason)
