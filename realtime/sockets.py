"""The Socket.IO server of this application: the engine with its error codes and limits."""

from __future__ import annotations

from typing import Any

from realtime import protocol
from realtime.access.rate_limit import Addresses
from realtime.engine import Connection, Encoded, Limits, SocketServer
from realtime.engine.origins import Origins
from realtime.engine.socketio.connection import NamespaceClient
from realtime.engine.socketio.decoder import DecodedPacket
from realtime.http.middleware import Proxies
from realtime.rooms.subscriber import Audience
from realtime.transports.socketio import CalendarNamespace


class Sockets(SocketServer):
    """The engine with this server's error codes."""

    def encode_failure(self, error: Exception) -> bytes:
        return protocol.write_failure(error)

    async def answer_unreadable(self, sid: str, namespace: str) -> Encoded | None:
        handler = self.namespace_handlers.get(namespace)
        if isinstance(handler, CalendarNamespace):
            return await handler.on_unreadable(sid)
        return await super().answer_unreadable(sid, namespace)

    async def answer_binary(self, sid: str, namespace: str) -> Encoded | None:
        handler = self.namespace_handlers.get(namespace)
        if isinstance(handler, CalendarNamespace):
            return await handler.on_unreadable(sid, is_binary=True)
        return await super().answer_binary(sid, namespace)

    def refuse_early(self, client: NamespaceClient, packet: DecodedPacket) -> Encoded | None:
        handler = self.namespace_handlers.get(packet.namespace)
        connection = client.connection
        if not isinstance(handler, CalendarNamespace) or not handler.must_refuse(connection):
            return None
        return None if connection.is_request_delayed else handler.refuse_early(client.sid, packet.data)

    def answer_at_once(self, client: NamespaceClient, packet: DecodedPacket) -> Encoded | None:
        handler = self.namespace_handlers.get(packet.namespace)
        at_once = isinstance(handler, CalendarNamespace) and packet.data is not None
        return handler.answer_at_once(client.sid, packet.data) if at_once else None

    def refuse_late(self, connection: Connection, texts: list[bytes]) -> list[bytes]:
        handler = self.namespace_handlers.get(Audience.PUBLIC.value)
        client = self.manager.client_of(connection, Audience.PUBLIC.value)
        if not isinstance(handler, CalendarNamespace) or client is None or connection.is_request_delayed:
            return []
        return handler.refuse_late(client.sid, connection.late_since, texts)

    def describe_unknown(self, namespace: str) -> dict[str, Any]:
        return protocol.write_unknown_namespace(namespace)

    def set_refusing(self, is_refusing: bool) -> None:  # noqa: FBT001 - the value to set
        self.refuse = is_refusing


def make_sockets(allowed: Origins, peers: Proxies, addresses: Addresses, limits: Limits) -> Sockets:
    return Sockets(
        cors_allowed_origins=allowed,
        max_attachments=0,
        namespaces=[audience.value for audience in Audience],
        address_of=peers.address_of,
        budget_of=addresses.connect,
        message_seconds=limits.message_seconds,
        max_queued_bytes=limits.max_queued_bytes,
    )
