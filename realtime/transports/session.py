"""The session of one Socket.IO client in one namespace.

Its subscriptions are its Socket.IO rooms; the session has only the joins that are under way.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from models.contract.principal import Principal
from realtime.access.auth import Expiry
from realtime.engine import Connection
from realtime.reads.read_queue import Peer
from realtime.rooms.subscriber import Subscriber


class Session:
    """The principal of a client, the end of its token, and its joins."""

    __slots__ = ("_expiry", "_joining", "_lock", "connection", "principal")

    def __init__(self, connection: Connection, principal: Principal) -> None:
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

    def expire_at(self, expires_at: float | None, end: Callable[[], None]) -> None:
        """Call `end` when the token ends. A token without an end has no timer."""
        if self._expiry is None and expires_at is not None:
            self._expiry = Expiry(end)
        if self._expiry is not None:
            self._expiry.set(expires_at)

    def close(self) -> None:
        """End the joins and the timer."""
        self.give_up()
        if self._expiry is not None:
            self._expiry.cancel()
