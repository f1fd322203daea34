"""The life of a subscriber: it joins a calendar's room, receives every change, and leaves or is cut off.

The promise: a subscriber gets its snapshot or replay first, then each later change once, in seq order. A calendar has
one list of subscribers for each audience. The Socket.IO clients of that list are the calendar's Socket.IO room, so an
application's `emit(..., room="calendar:<id>")` reaches them, and no other structure records the membership.
"""

from __future__ import annotations

from enum import Enum, StrEnum, auto
from typing import Protocol

from models.contract.changes import Info
from models.contract.errors import Forbidden
from models.contract.principal import Principal
from realtime.engine import ConnectionWriter


class Audience(StrEnum):
    """The public receives changes; staff receive them with their bookings. The values are Socket.IO namespaces."""

    PUBLIC = "/calendars"
    STAFF = "/staff"


class CutReason(StrEnum):
    """The reasons to close a subscriber's connection. Its client reconnects, by its cursor."""

    HISTORY_REPLACED = "history replaced"
    NO_LONGER_ALLOWED = "no longer allowed"
    BOOKINGS_UNREADABLE = "bookings unreadable"
    TOKEN_EXPIRED = "token expired"  # noqa: S105 - a reason


class State(Enum):
    """The states of a subscriber, in the order of its life."""

    JOINING = auto()  # its snapshot or replay is being made
    SUBSCRIBED = auto()  # the room's list has it
    GONE = auto()  # it has left, or was cut off


_MOVES = {
    State.JOINING: frozenset({State.SUBSCRIBED, State.GONE}),
    State.SUBSCRIBED: frozenset({State.GONE}),
    State.GONE: frozenset[State](),
}


class Subscriber:
    """One connection and one calendar. `sid` is the Socket.IO id of its client, empty for a stream."""

    __slots__ = ("audience", "calendar", "connection", "principal", "sid", "state")

    def __init__(
        self, calendar: str, connection: ConnectionWriter, audience: Audience, principal: Principal, sid: str = ""
    ) -> None:
        self.calendar = calendar
        self.connection = connection
        self.audience = audience
        self.principal = principal
        self.sid = sid
        self.state = State.JOINING

    def move(self, state: State) -> None:
        """Enter the next state; RuntimeError for a move that the table does not have."""
        if state not in _MOVES[self.state]:
            raise RuntimeError(f"A subscriber cannot become {state.name} when it is {self.state.name}")
        self.state = state

    def give_up(self) -> None:
        """End the join of a client that has left before it was answered."""
        if self.state is State.JOINING:
            self.move(State.GONE)

    def may_subscribe(self, info: Info) -> bool:
        """Whether the principal may subscribe in this audience, by the calendar's present info."""
        return may_subscribe(self.principal, self.audience, info)

    def check(self, info: Info) -> None:
        """Raise Forbidden for a subscriber that has gone, and the principal's refusal where it may not subscribe."""
        if self.state is State.GONE:
            raise Forbidden("The connection has left again.")
        if not self.may_subscribe(info):
            raise self.principal.refusal()


def may_subscribe(principal: Principal, audience: Audience, info: Info) -> bool:
    """Whether this principal may subscribe to the calendar in this audience."""
    has_audience = audience is Audience.PUBLIC or principal.is_viewer_of(info.id)
    return has_audience and principal.may_view(info)


class SocketIoRooms(Protocol):
    """The Socket.IO rooms of all calendars in one namespace (realtime/transports/socketio_rooms.py)."""

    def count(self, calendar: str) -> int:
        """Return the number of clients in the calendar's room."""

    def connections(self, calendar: str) -> list[ConnectionWriter]:
        """Return the connections of the room's clients."""

    def principals(self, calendar: str) -> list[tuple[str, ConnectionWriter, Principal]]:
        """Return sid, connection and principal of each client."""

    def enter(self, calendar: str, sid: str) -> None:
        """Add a client; one that is in the room stays."""

    def leave(self, calendar: str, sid: str) -> None:
        """Remove a client; one that is not in the room is ignored."""


class Subscribers:
    """The subscribers of one calendar in one audience: the clients in its Socket.IO room, and its streams."""

    __slots__ = ("_audience", "_calendar", "_socketio", "_streams")

    def __init__(self, calendar: str, audience: Audience, socketio: SocketIoRooms | None) -> None:
        self._calendar = calendar
        self._audience = audience
        self._socketio = socketio
        self._streams: dict[ConnectionWriter, Subscriber] = {}

    def __len__(self) -> int:
        clients = self._socketio.count(self._calendar) if self._socketio is not None else 0
        return clients + len(self._streams)

    def connections(self) -> list[ConnectionWriter]:
        """Return the connections as they are now."""
        clients = self._socketio.connections(self._calendar) if self._socketio is not None else []
        return clients + list(self._streams) if self._streams else clients

    def add(self, subscriber: Subscriber) -> None:
        """Subscribe. A connection is in the list once; its newest subscriber replaces an older one."""
        subscriber.move(State.SUBSCRIBED)
        if subscriber.sid and self._socketio is not None:
            self._socketio.enter(self._calendar, subscriber.sid)
        else:
            self._streams[subscriber.connection] = subscriber

    def remove(self, subscriber: Subscriber) -> None:
        """Unsubscribe a stream, unless a newer subscriber of its connection is in the list."""
        if self._streams.get(subscriber.connection) is subscriber:
            del self._streams[subscriber.connection]
        if subscriber.state is not State.GONE:
            subscriber.move(State.GONE)

    def cut_off(self, reason: CutReason) -> None:
        """Remove every subscriber and close its connection."""
        self._cut_off(reason, None)

    def cut_off_refused(self, info: Info) -> None:
        """Remove the subscribers that may not see the calendar any more, and close their connections."""
        self._cut_off(CutReason.NO_LONGER_ALLOWED, info)

    def _cut_off(self, reason: CutReason, info: Info | None) -> None:
        """Cut off everyone, or with `info` the principals that it refuses."""
        if self._socketio is not None:
            for sid, connection, principal in self._socketio.principals(self._calendar):
                if info is None or not may_subscribe(principal, self._audience, info):
                    self._socketio.leave(self._calendar, sid)
                    connection.abort(reason)
        for subscriber in list(self._streams.values()):
            if info is None or not subscriber.may_subscribe(info):
                self.remove(subscriber)
                subscriber.connection.abort(reason)
