"""Who is in which room. socketio's manager without a dictionary a client a room, and without scans."""

import functools
import inspect
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from socketio.async_manager import AsyncManager

from realtime.engine.connection_writer import write_all
from realtime.engine.socketio.client import NamespaceClient, Standing

if TYPE_CHECKING:
    from collections.abc import Callable

    from realtime.engine.engineio.session import Connection


class RoomManager(AsyncManager):
    """The members of every namespace and room of this process.

    Every sid is its own room, as in socketio, but without one being kept for it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.members: dict[str, dict[str, NamespaceClient]] = {}  # namespace, sid
        self.rooms: dict[str, dict[str, dict[str, NamespaceClient]]] = {}  # namespace, room, sid

    # -- joining and leaving a namespace

    def join(self, connection: "Connection", namespace: str) -> NamespaceClient | None:
        """Begin a membership; None if the connection has one there already."""
        if self.member_of(connection, namespace) is not None:
            return None
        member = NamespaceClient(self.server.eio.generate_id(), namespace, connection)
        self.members.setdefault(namespace, {})[member.sid] = member
        connection.members = (*connection.members, member)
        return member

    def leave(self, member: NamespaceClient) -> None:
        """End a membership: O(its own rooms)."""
        for room in member.rooms:
            self._remove(member, room)
        member.rooms = ()
        members = self.members.get(member.namespace)
        if members is not None:
            members.pop(member.sid, None)
            if not members:
                del self.members[member.namespace]
        connection = member.connection
        connection.members = tuple(other for other in connection.members if other is not member)

    def member(self, sid: str, namespace: str) -> NamespaceClient | None:
        """The member of this sid."""
        members = self.members.get(namespace)
        return members.get(sid) if members else None

    def member_of(self, connection: "Connection", namespace: str) -> NamespaceClient | None:
        """The connection's member in this namespace, unless that is on its way out."""
        for member in connection.members:
            if member.namespace == namespace and member.standing is not Standing.LEAVING:
                return member
        return None

    def _remove(self, member: NamespaceClient, room: str) -> None:
        rooms = self.rooms.get(member.namespace)
        if rooms is None or room not in rooms:
            return
        rooms[room].pop(member.sid, None)
        if not rooms[room]:
            del rooms[room]
            if not rooms:
                del self.rooms[member.namespace]

    # -- what socketio's servers and namespaces call

    def get_namespaces(self) -> Any:
        """The namespaces that have members."""
        return self.members.keys()

    def get_participants(self, namespace: str, room: Any) -> Iterator[tuple[str, str]]:
        """The sids in a room (or rooms, or with None the namespace) with their Engine.IO ids."""
        for member in self._recipients(namespace, room):
            yield member.sid, member.connection.sid

    def is_connected(self, sid: str, namespace: str) -> bool:
        """Whether this sid may send and be sent to."""
        member = self.member(sid, namespace)
        return member is not None and member.standing is Standing.JOINED

    def sid_from_eio_sid(self, eio_sid: str, namespace: str) -> str | None:
        """The Socket.IO sid of a connection in a namespace."""
        connection = self.server.eio.sockets.get(eio_sid)
        member = self.member_of(connection, namespace) if connection is not None else None
        return member.sid if member is not None else None

    def eio_sid_from_sid(self, sid: str, namespace: str) -> str | None:
        """The Engine.IO sid of a member."""
        member = self.member(sid, namespace)
        return member.connection.sid if member is not None else None

    def pre_disconnect(self, sid: str, namespace: str) -> str | None:
        """Mark a member as leaving; its rooms stand until its handler has run."""
        member = self.member(sid, namespace)
        if member is None:
            return None
        member.standing = Standing.LEAVING
        return member.connection.sid

    def basic_disconnect(self, sid: str, namespace: str, **_options: Any) -> None:
        """End a membership."""
        member = self.member(sid, namespace)
        if member is not None:
            self.leave(member)

    def is_sid_room(self, namespace: str, room: str) -> bool:
        """Whether this room is a member's own."""
        return self.member(room, namespace) is not None

    def basic_enter_room(self, sid: str, namespace: str, room: str, eio_sid: str | None = None) -> None:  # noqa: ARG002
        """Add a member to a room."""
        member = self.member(sid, namespace)
        if member is None:
            raise ValueError("sid is not connected to requested namespace")
        if room == sid:
            return
        if self.is_sid_room(namespace, room):
            raise ValueError("cannot enter a sid room")
        members = self.rooms.setdefault(namespace, {}).setdefault(room, {})
        if sid not in members:
            members[sid] = member
            member.rooms = (*member.rooms, room)

    def basic_leave_room(self, sid: str, namespace: str, room: str) -> None:
        """Remove a member from a room."""
        member = self.member(sid, namespace)
        if member is not None:
            member.rooms = tuple(other for other in member.rooms if other != room)
            self._remove(member, room)

    def basic_close_room(self, room: str, namespace: str) -> None:
        """Remove all members from a room."""
        if self.is_sid_room(namespace, room):
            raise ValueError("cannot close a sid room")
        for sid in list(self.rooms.get(namespace, {}).get(room, ())):
            self.basic_leave_room(sid, namespace, room)

    def get_rooms(self, sid: str, namespace: str) -> list[str]:
        """The rooms of a member, its own first."""
        member = self.member(sid, namespace)
        return [] if member is None else [sid, *member.rooms]

    # -- sending

    async def emit(  # noqa: PLR0917  socketio's own signature
        self,
        event: str,
        data: Any,
        namespace: str,
        room: Any = None,
        skip_sid: Any = None,
        callback: "Callable[..., Any] | None" = None,
        to: Any = None,
        **_options: Any,
    ) -> None:
        """Encode once, and write to every recipient before anything else runs, so that no later emit overtakes.

        3,000 recipients keep the loop for 24 ms. Who has more slices with `write_all`, and sees to the order.
        """
        skipped = {skip_sid} if skip_sid is None or isinstance(skip_sid, str) else set(skip_sid)
        recipients = [
            member
            for member in self._recipients(namespace, to or room)
            if member.sid not in skipped and member.standing is not Standing.LEAVING  # it was told goodbye
        ]
        if not recipients:
            return
        arguments = list(data) if isinstance(data, tuple) else [] if data is None else [data]
        if callback is not None or self.server.packet_class.data_is_binary(arguments):
            for member in recipients:
                ack_id = member.expect_ack(callback) if callback is not None else None
                member.send(functools.partial(self.server.send_event, member, event, arguments, ack_id))
            return
        packet = self.server.encode_arguments(namespace, event, arguments)
        for member in recipients:
            if member.standing is Standing.JOINING:
                member.send(functools.partial(member.connection.write, packet))
        write_all([m.connection for m in recipients if m.standing is not Standing.JOINING], packet)

    async def trigger_callback(self, sid: str, id: int, data: list[Any]) -> None:  # noqa: A002
        """Tell who waits for this acknowledgement; one that nobody waits for is ignored."""
        for members in self.members.values():
            member = members.get(sid)
            callback = member.take_callback(id) if member is not None else None
            if callback is not None:
                result = callback(*data)
                if inspect.isawaitable(result):
                    await result

    def _recipients(self, namespace: str, room: Any) -> list[NamespaceClient]:
        members = self.members.get(namespace, {})
        if room is None:
            return list(members.values())
        rooms = self.rooms.get(namespace, {})
        if isinstance(room, str) or not hasattr(room, "__len__"):
            return [members[room]] if room in members else list(rooms.get(room, {}).values())
        found: dict[str, NamespaceClient] = {}
        for name in room:
            found.update({name: members[name]} if name in members else rooms.get(name, {}))
        return list(found.values())
