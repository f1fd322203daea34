"""The Socket.IO rooms `calendar:<id>`: a calendar's room is the list of its Socket.IO subscribers.

The engine's room manager has the only record of it. A client that disconnects leaves all its rooms there, and an
application's `emit`, `enter_room` and `close_room` act on the same list.
"""

from __future__ import annotations

from sys import intern

from models.contract.principal import Principal
from realtime.engine import Connection, ConnectionWriter, RoomManager
from realtime.rooms.subscriber import Audience
from realtime.transports.session import Session

_PREFIX = "calendar:"


def room_name(calendar: str) -> str:
    """Return the name of the calendar's Socket.IO room: one string for all its clients."""
    return intern(_PREFIX + calendar)


class CalendarRooms:
    """The calendars' rooms in the namespace of one audience, and the sessions of its clients."""

    def __init__(self, manager: RoomManager, audience: Audience) -> None:
        self._manager = manager
        self._namespace = audience.value
        self.sessions: dict[str, Session[Connection]] = {}

    def count(self, calendar: str) -> int:
        return len(self._manager.rooms.get(self._namespace, {}).get(room_name(calendar), ()))

    def connections(self, calendar: str) -> list[ConnectionWriter]:
        clients = self._manager.rooms.get(self._namespace, {}).get(room_name(calendar), {})
        return [client.connection for client in clients.values()]

    def principals(self, calendar: str) -> list[tuple[str, ConnectionWriter, Principal]]:
        clients = self._manager.rooms.get(self._namespace, {}).get(room_name(calendar), {})
        return [(sid, client.connection, self.sessions[sid].principal) for sid, client in clients.items()]

    def enter(self, calendar: str, sid: str) -> None:
        self._manager.basic_enter_room(sid, self._namespace, room_name(calendar))

    def leave(self, calendar: str, sid: str) -> None:
        self._manager.basic_leave_room(sid, self._namespace, room_name(calendar))

    def calendars(self, sid: str) -> list[str]:
        """Return the calendars that a client subscribes to."""
        rooms = self._manager.get_rooms(sid, self._namespace)
        return [name.removeprefix(_PREFIX) for name in rooms if name.startswith(_PREFIX)]
