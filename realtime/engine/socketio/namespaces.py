"""Namespaces of a Socket.IO server: clients join and leave them, and packets are sent to clients."""

import asyncio
import logging
from collections.abc import Coroutine
from functools import partial
from typing import Any, Final, cast

import socketio
from socketio.exceptions import ConnectionRefusedError as Refusal

from realtime.engine.engineio.server import EngineServer
from realtime.engine.socketio import decoder as packets
from realtime.engine.socketio.connection import ClientState, Connection, NamespaceClient
from realtime.engine.socketio.encoder import namespace_prefix
from realtime.engine.socketio.join_deadline import JoinDeadlines
from realtime.engine.socketio.room_manager import RoomManager

logger: Final = logging.getLogger(__name__)

MAX_NAMESPACES: Final = 32  # of one connection


class NamespaceServer(socketio.AsyncServer):
    """The part of SocketServer for the life of its clients."""

    eio: EngineServer
    manager: RoomManager
    manager_initialized: bool

    def __init__(self, *, join_timeout: float | None, **options: Any) -> None:
        super().__init__(connection_class=Connection, **options)
        self.connections = cast("dict[str, Connection]", self.eio.sockets)  # by Engine.IO sid
        self._join_deadlines = JoinDeadlines(join_timeout, self.connections) if join_timeout else None

    def describe_unknown(self, namespace: str) -> dict[str, Any]:  # noqa: ARG002
        """Return the CONNECT_ERROR, `{message, data?}`, of a namespace without handlers. Override to say more."""
        return {"message": "Invalid namespace"}

    # -- joining

    def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> None:  # noqa: ARG002
        if not self.manager_initialized:
            self.manager_initialized = True
            self.manager.initialize()
        self._start_join_deadline(eio_sid)

    def _start_join_deadline(self, eio_sid: str) -> None:
        if self._join_deadlines is not None:
            self._join_deadlines.add(eio_sid)

    def _begin_join(self, eio_sid: str, namespace: str, data: Any) -> Coroutine[Any, Any, None] | None:
        """Join a namespace; return a coroutine where the connect handler may suspend.

        A namespace whose handler never does has a true `connects_at_once`. It saves a task and a pause of the reading.
        """
        joining = self._handle_connect(eio_sid, namespace, data)
        has_own = namespace in self.handlers or "*" in self.handlers
        handler = None if has_own else self.namespace_handlers.get(namespace)
        if not getattr(handler, "connects_at_once", False):
            return joining
        try:
            joining.send(None)
        except StopIteration:
            return None
        joining.close()
        logger.error("The connect handler of %s is not done at once, though its namespace says so.", namespace)
        connection = self.connections[eio_sid]
        client = self.manager.client_of(connection, namespace)
        if client is not None:
            self.manager.leave(client)
        connection.abort("connect failed")
        return None

    async def _handle_connect(self, eio_sid: str, namespace: str, data: Any) -> None:
        connection = self.connections.get(eio_sid)
        if connection is None:  # it ended before this ran
            return
        if not self._is_known(namespace) or len(connection.clients) >= MAX_NAMESPACES:
            self._send(connection, packets.CONNECT_ERROR, namespace, self.describe_unknown(namespace))
            return
        client = self.manager.join(connection, namespace)
        if client is None:
            connection.fail()
            return
        if self.always_connect:
            self._accept(client)
        try:
            refusal = await self._ask(client, data)
        except Exception:  # clients reconnect after an aborted transport; CONNECT_ERROR would be final
            logger.exception("connect handler of %s", namespace)
            self.manager.leave(client)
            connection.abort("connect failed")
            return
        if refusal is not None:
            kind = packets.DISCONNECT if self.always_connect else packets.CONNECT_ERROR
            self.manager.leave(client)
            self._send(connection, kind, namespace, refusal)
        elif not connection.is_open:
            await self._leave(client, self.reason.TRANSPORT_CLOSE)
        elif not self.always_connect:
            self._accept(client)

    def _accept(self, client: NamespaceClient) -> None:
        client.connection.send_text(b'40%b{"sid":"%b"}' % (namespace_prefix(client.namespace), client.sid.encode()))
        client.joined()

    async def _ask(self, client: NamespaceClient, data: Any) -> dict[str, Any] | None:
        """Run the connect handler. Return the reason if it refuses. Old handlers take no `auth`."""
        environ = client.connection.environ
        trigger = partial(self._trigger_event, "connect", client.namespace)
        namespace = self.namespace_handlers.get(client.namespace) if not self.handlers else None
        if namespace is not None:  # as `_trigger_event` does without handlers of single events
            trigger = partial(namespace.trigger_event, "connect")
        try:
            try:
                answer = await trigger(client.sid, environ, data)
            except TypeError as error:
                if data:
                    raise
                try:
                    answer = await trigger(client.sid, environ)
                except TypeError:
                    raise error from None
        except Refusal as refusal:
            arguments = refusal.error_args
            return arguments if isinstance(arguments, dict) else {"message": str(arguments)}
        except ConnectionRefusedError:
            return {"message": "Connection refused by server"}
        return {"message": "Connection rejected by server"} if answer is False else None

    def _is_known(self, namespace: str) -> bool:
        return (
            self.namespaces == "*"
            or namespace in self.namespaces
            or namespace in self.handlers
            or namespace in self.namespace_handlers
        )

    # -- leaving

    async def _handle_disconnect_packet(self, client: NamespaceClient) -> None:
        """Leave a namespace at the client's wish. Its earlier requests begin before."""
        await self.eio.admission.until_served()
        await asyncio.sleep(0)  # a request that was just admitted takes its first step in the next loop iteration
        await client.connection.until_writable()
        await self._leave(client, self.reason.CLIENT_DISCONNECT)

    async def _leave(self, client: NamespaceClient, reason: str) -> None:
        """Run the disconnect handler, which still sees the client's rooms and session, then remove the client."""
        if client.state is ClientState.LEAVING:
            return
        client.state = ClientState.LEAVING
        try:
            await self._trigger_event("disconnect", client.namespace, client.sid, reason)
        except Exception:
            logger.exception("disconnect handler of %s", client.namespace)
        finally:
            self.manager.leave(client)
        if client.connection.is_open and not client.connection.clients:
            self._start_join_deadline(client.connection.sid)

    def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> Coroutine[Any, Any, None] | None:
        clients = self.connections[eio_sid].clients
        return self._leave_all(clients, reason) if clients else None

    async def _leave_all(self, clients: tuple[NamespaceClient, ...], reason: str) -> None:
        for client in clients:
            if client.state is ClientState.JOINED:  # a joining one leaves when its connect handler returns
                await self._leave(client, reason)

    async def disconnect(self, sid: str, namespace: str | None = None, ignore_queue: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        """Send DISCONNECT (packet 41): the client's library will not reconnect by itself.

        To drop a client that may come back, use `connection(sid).abort(reason)`.
        """
        client = self.manager.client(sid, namespace or "/")
        if client is not None and client.state is ClientState.JOINED:
            self._send(client.connection, packets.DISCONNECT, client.namespace, None)
            await self._leave(client, self.reason.SERVER_DISCONNECT)

    # -- sending

    async def _send_packet(self, eio_sid: str, pkt: Any) -> None:
        connection = self.connections.get(eio_sid)
        if connection is not None:
            self._put(connection, pkt)

    def _send(self, connection: Connection, kind: int, namespace: str, data: Any, ack_id: int | None = None) -> None:
        self._put(connection, self.packet_class(kind, data=data, namespace=namespace, id=ack_id))

    def _put(self, connection: Connection, pkt: Any) -> None:
        encoded = pkt.encode()
        for part in encoded if isinstance(encoded, list) else [encoded]:
            if isinstance(part, str):
                connection.send_text(b"4" + part.encode())
            else:
                connection.send_binary(bytes(part))
