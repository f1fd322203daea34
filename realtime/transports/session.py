"""The session of one client that sends requests: a Socket.IO client in one namespace, or a plain WebSocket.

Its subscriptions are kept by its transport; the session has only the joins that are under way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from models.contract.principal import Principal
from realtime.access.auth import Expiry, Identity
from realtime.engine import ConnectionWriter
from realtime.reads.read_queue import Peer
from realtime.rooms.subscriber import Subscriber

ConnectionT = TypeVar("ConnectionT", bound=ConnectionWriter)


class Session(Generic[ConnectionT]):
    """The principal of a client, the end of its token, and its joins."""

    __slots__ = ("_expiry", "_joining", "_lock", "connection", "principal")

    def __init__(self, connection: ConnectionT, principal: Principal) -> None:
        self.connection = connection
        self.principal = principal
        self._joining: tuple[Subscriber, ...] = ()
        self._expiry: Expiry | None = None
        self._lock: asyncio.Lock | None = None

    @property
    def peer(self) -> Peer:
        """The client, for the queue of its reads."""
        return Peer(self.principal.address, lambda: not self.connection.is_open)

    @property
    def lock(self) -> asyncio.Lock:
        """The lock of the client's joins: each snapshot is made once the last one was sent."""
        if self._lock is None:
            self._lock = asyncio.Lock()
        return self._lock

    @property
    def joining(self) -> set[str]:
        """The calendars of the joins that are under way."""
        return {subscriber.calendar for subscriber in self._joining}

    @property
    def is_joining(self) -> bool:
        return bool(self._joining)

    @contextmanager
    def join(self, subscriber: Subscriber) -> Iterator[None]:
        """Keep the subscriber while it joins."""
        self._joining += (subscriber,)
        try:
            yield
        finally:
            self._joining = tuple(other for other in self._joining if other is not subscriber)

    def give_up(self, calendar: str = "") -> None:
        """End the joins of this calendar, or all joins."""
        for subscriber in self._joining:
            if not calendar or subscriber.calendar == calendar:
                subscriber.give_up()
        self._joining = tuple(one for one in self._joining if calendar and one.calendar != calendar)

    def become(self, principal: Principal) -> None:
        """Take a new principal, for the client's subscriptions and joins too."""
        self.principal = principal
        for subscriber in self._joining:
            subscriber.principal = principal

    def expire_with(self, identity: Identity, end: Callable[[], None]) -> None:
        """Call `end` when the token or session ends. A guest without a token has no timer."""
        if self._expiry is None and (identity.expires_at is not None or identity.credential is not None):
            self._expiry = Expiry(end)
        if self._expiry is not None:
            self._expiry.set(identity)

    def close(self) -> None:
        """End the joins and the timer."""
        self.give_up()
        if self._expiry is not None:
            self._expiry.cancel()
