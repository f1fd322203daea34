"""One client in one namespace: the thing a Socket.IO sid names."""

from collections.abc import Callable
from enum import Enum, auto
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from realtime.engine.engineio.session import Connection


class Standing(Enum):
    """How far a member is in or out. It only ever moves down this list."""

    JOINING = auto()  # its connect handler runs
    JOINED = auto()
    LEAVING = auto()  # its disconnect handler runs


class NamespaceClient:
    """A sid, its connection, and the rooms it is in, so that leaving costs its own rooms only."""

    __slots__ = ("_callbacks", "_early", "_last_callback", "connection", "namespace", "rooms", "sid", "standing")

    def __init__(self, sid: str, namespace: str, connection: "Connection") -> None:
        self.sid = sid
        self.namespace = namespace
        self.connection = connection
        self.standing = Standing.JOINING
        self.rooms: tuple[str, ...] = ()  # mostly one: a set of one is 216 bytes
        self._early: list[Callable[[], object]] | None = None
        self._callbacks: dict[int, Callable[..., Any]] | None = None
        self._last_callback = 0

    def send(self, action: Callable[[], object]) -> None:
        """Run this write; but nothing may go out before the CONNECT reply, which some clients drop."""
        if self.standing is Standing.JOINING:
            if self._early is None:
                self._early = []
            self._early.append(action)
        else:
            action()

    def welcome(self) -> None:
        """The CONNECT reply is written: let what waited for it follow."""
        self.standing = Standing.JOINED
        early, self._early = self._early, None
        for action in early or ():
            action()

    def expect_ack(self, callback: Callable[..., Any]) -> int:
        """Remember whom to tell about the client's acknowledgement, under a new id."""
        if self._callbacks is None:
            self._callbacks = {}
        self._last_callback += 1
        self.connection.expect_answer()
        self._callbacks[self._last_callback] = callback
        return self._last_callback

    @property
    def is_asked(self) -> bool:
        """Whether an answer of this client is waited for."""
        return bool(self._callbacks)

    def take_callback(self, ack_id: int) -> Callable[..., Any] | None:
        """Whom to tell, once."""
        return self._callbacks.pop(ack_id, None) if self._callbacks else None
