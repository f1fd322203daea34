"""Socket.IO on the engine: socketio.AsyncServer's interface, with one encode and one write.

The promise: requests of one socket start in the order in which they were sent. Each is acknowledged in the same step
in which its handler returns. Nothing that leaves a socket overtakes anything.
"""

import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from realtime.engine.arrival import ARRIVAL
from realtime.engine.counters import Counters
from realtime.engine.engineio.server import EngineServer
from realtime.engine.packet import Event, Packet
from realtime.engine.socketio import decoder as packets
from realtime.engine.socketio.attachment import Attachments
from realtime.engine.socketio.connection import ClientState, Connection, NamespaceClient
from realtime.engine.socketio.decoder import DecodedPacket, Malformed, read_json
from realtime.engine.socketio.encoder import Encoded, namespace_prefix, write_json
from realtime.engine.socketio.namespaces import NamespaceServer
from realtime.engine.socketio.room_manager import RoomManager

logger: Final = logging.getLogger(__name__)

MOST_ATTACHMENTS: Final = 1_000  # of one packet
ATTACHED_MESSAGES: Final = 10  # the attachments of a packet weigh at most so many of the largest messages


class SocketServer(NamespaceServer):
    """A drop-in for socketio.AsyncServer on aiohttp.

    It has the same constructor, decorators, methods and namespaces, and calls handlers with the same arguments. It
    adds the arguments of EngineServer and two of its own:
    - `join_timeout`: the seconds for a client to join a namespace (10); 0 or None for no limit.
    - `max_attachments`: the binary attachments of one packet. They cost memory before any handler sees the packet,
      so an application without binary events sets 0.

    Unsupported arguments are refused at once: another `async_mode` than aiohttp and `ASGIApp`, another
    `client_manager` than a RoomManager (no message queue), `serializer`, `monitor_clients=False`, and `instrument()`.

    Differences:
    - Of one client `max_in_flight` requests run at once (16; with `async_handlers=False` one) and further ones wait.
      A handler may await `call` to its own client. It needs a higher limit to await a later request of that client.
    - `environ` holds the address, the query and the headers of `keep_headers`. `server.environ` is empty.
    - `cors_allowed_origins=[]` means the server's own origin, not every origin. `"*"` goes without credentials.
    - A connect handler that raises closes the transport.
    - NaN goes out as null. Dates, UUIDs, Decimals, sets, dataclasses and msgspec's structs are written too.
    - A client that joins no namespace within `join_timeout` is disconnected, and so is one that does not read.

    As in AsyncServer, a request is not acknowledged if its handler raises or if it cannot be read. A subclass can
    acknowledge it: see `encode_failure`, `answer_unreadable` and `answer_binary`.
    """

    def __init__(
        self,
        client_manager: RoomManager | None = None,
        logger: Any = False,  # noqa: FBT002
        json: Any = None,
        *,
        join_timeout: float | None = 10.0,
        max_attachments: int = MOST_ATTACHMENTS,
        **options: Any,
    ) -> None:
        if client_manager is not None and not isinstance(client_manager, RoomManager):
            raise TypeError("client_manager must be a RoomManager: rooms hold connections, not ids")
        if options.get("serializer", "default") != "default":
            raise ValueError("the engine speaks Socket.IO's own encoding only")
        if options.get("monitor_clients") is False:
            raise ValueError("monitor_clients=False: the engine always closes clients that answer no ping")
        if not options.get("async_handlers", True):
            options["max_in_flight"] = 1
        super().__init__(
            join_timeout=join_timeout,
            client_manager=client_manager or RoomManager(),
            logger=_logger if logger is False else logger,  # else socketio sets a level
            json=json,
            **options,
        )
        self._attachments = Attachments(
            max_attachments,
            ATTACHED_MESSAGES * self.eio.max_http_buffer_size,
            json.loads if json is not None else read_json,
        )
        self._json = json
        self.eio.refuse_late = self.refuse_late

    def _engineio_server_class(self) -> type[EngineServer]:
        return EngineServer

    # -- beyond socketio

    @property
    def counters(self) -> Counters:
        """Return the engine's counters."""
        return self.eio.counters

    @property
    def refuse(self) -> bool:
        """Return whether new sessions are answered 503."""
        return self.eio.refuse

    @refuse.setter
    def refuse(self, value: bool) -> None:
        self.eio.refuse = value

    async def drain(self, seconds: float = 1.0) -> None:
        """Refuse new sessions and close all transports, so that clients reconnect elsewhere."""
        await self.eio.drain(seconds)

    def connection(self, sid: str, namespace: str | None = None) -> Connection:
        """Return the connection of a Socket.IO sid. Raises KeyError when it is gone."""
        names = [namespace] if namespace is not None else list(self.manager.clients)
        for name in names:
            client = self.manager.client(sid, name)
            if client is not None:
                return client.connection
        raise KeyError(sid)

    def get_environ(self, sid: str, namespace: str | None = None) -> dict[str, Any] | None:
        """Return the kept parts of a client's request; see EngineServer's `keep_headers`."""
        client = self.manager.client(sid, namespace or "/")
        return client.connection.environ if client is not None else None

    def encode_event(self, namespace: str, event: str, payload: bytes, id: bytes = b"") -> Packet:  # noqa: A002
        """Return a packet of one event. Its argument is the JSON `payload`."""
        return Packet((Event(namespace, write_json(event), payload, id),))

    def encode_arguments(self, namespace: str, event: str, arguments: list[Any]) -> Packet:
        """Return a packet of one event with any number of arguments."""
        return self.encode_event(namespace, event, b",".join([self._dumps(argument) for argument in arguments]))

    def encode_failure(self, error: Exception) -> bytes | None:  # noqa: ARG002
        """Return the JSON that acknowledges a request whose handler raised. By default there is none."""
        return None

    async def answer_unreadable(self, sid: str, namespace: str) -> Encoded | None:  # noqa: ARG002
        """Return the acknowledgement of a request that is no JSON array with an event. By default there is none."""
        return None

    async def answer_binary(self, sid: str, namespace: str) -> Encoded | None:  # noqa: ARG002
        """Return the acknowledgement of a request with too many attachments. By default there is none."""
        return None

    def refuse_early(self, client: NamespaceClient, packet: DecodedPacket) -> Encoded | None:  # noqa: ARG002
        """Return the acknowledgement of a request that is refused without its handler, in an overload; else None."""
        return None

    def answer_at_once(self, client: NamespaceClient, packet: DecodedPacket) -> Encoded | None:  # noqa: ARG002
        """Return the acknowledgement of a request that waits for nothing, or None: then it takes a task.

        It is asked while no other request of the client is under way.
        """
        return None

    def refuse_late(self, connection: Connection, texts: list[bytes]) -> list[bytes]:  # noqa: ARG002
        """Return the answers to the first of these packets that are refused, as they have waited for too long."""
        return []

    def send_event(self, client: NamespaceClient, event: str, arguments: list[Any], ack_id: int | None = None) -> None:
        """Send one event to one client, with its attachments. `ack_id` asks for an acknowledgement."""
        self._send(client.connection, packets.EVENT, client.namespace, [event, *arguments], ack_id)

    def instrument(self, *_arguments: Any, **_options: Any) -> Any:
        """Refuse: Socket.IO's Admin UI patches parts of AsyncServer that the engine does not have."""
        raise NotImplementedError("SocketServer has no instrument(): the Admin UI needs socketio.AsyncServer")

    # -- receiving

    def _handle_eio_message(self, eio_sid: str, data: str | bytes) -> Coroutine[Any, Any, None] | None:
        """Take one packet. A returned coroutine ends before the next packet is read."""
        connection = self.connections[eio_sid]
        try:
            packet = self._attachments.complete(eio_sid, data)
            return self._dispatch(connection, packet) if packet is not None else None
        except Malformed:
            connection.fail()
            return None

    def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> Coroutine[Any, Any, None] | None:
        self._attachments.forget(eio_sid)
        return super()._handle_eio_disconnect(eio_sid, reason)

    def _dispatch(self, connection: Connection, packet: DecodedPacket) -> Coroutine[Any, Any, None] | None:
        if packet.type == packets.CONNECT:
            return self._begin_join(connection.sid, packet.namespace, packet.data)
        client = self.manager.client_of(connection, packet.namespace)
        if client is None or client.state is not ClientState.JOINED:
            # A packet behind the client's own DISCONNECT is no fault. A packet without any joined namespace is.
            if not connection.clients and packet.type != packets.DISCONNECT:
                raise Malformed("no such namespace")
            return None
        if packet.type == packets.DISCONNECT:
            connection.begin_backlog()
            return self._handle_disconnect_packet(client)
        if packet.type in {packets.EVENT, packets.BINARY_EVENT}:
            self._begin_request(client, packet)
            return None
        if packet.data is None:  # an acknowledgement with too many attachments
            return None
        callback = client.take_callback(packet.ack_id or 0)
        return self._call_back(callback, packet.data) if callback is not None else None

    def _begin_request(self, client: NamespaceClient, packet: DecodedPacket) -> None:
        """Answer a request, or begin a task for it."""
        connection = client.connection
        if packet.data is not None:
            early = self.refuse_early(client, packet)
            if early is not None:
                if packet.ack_id is not None:
                    prefix = namespace_prefix(packet.namespace)
                    connection.refuse(b"43%b%d[%b]" % (prefix, packet.ack_id, early.json))
                return
            at_once = self.answer_at_once(client, packet) if connection.may_answer_at_once else None
            if at_once is not None:
                self.eio.admission.charge(self.eio.request_seconds)
                self._acknowledge(connection, packet, at_once)
                connection.note_answer_at_once()
                return
        arrived = connection.late_since or time.monotonic()
        connection.request(lambda: self.eio.keep(self._answer(client, packet, arrived)), packet.size)

    async def _call_back(self, callback: Callable[..., Any], arguments: list[Any]) -> None:
        result = callback(*arguments)
        if hasattr(result, "__await__"):
            await result

    async def _answer(self, client: NamespaceClient, packet: DecodedPacket, arrived: float) -> None:
        """Run a request's handler and acknowledge it, without suspending between the two."""
        ARRIVAL.set(arrived)  # of this task
        try:
            if client.connection.is_request_delayed:
                await client.connection.until_writable()
            try:
                result = await self._handle(client, packet)
                self._acknowledge(client.connection, packet, result)
            except Exception as error:
                logger.exception("handler of %r", packet.data and packet.data[0])
                failure = self.encode_failure(error)
                if failure is not None:
                    self._acknowledge(client.connection, packet, Encoded(failure))
        finally:
            client.connection.end_request()

    def _handle(self, client: NamespaceClient, packet: DecodedPacket) -> Awaitable[Any]:
        if packet.data is None:
            return self._answer_without_data(client, packet)
        event, *arguments = packet.data
        namespace = self.namespace_handlers.get(packet.namespace) if not self.handlers else None
        handling: Awaitable[Any]
        if namespace is not None:  # as `_trigger_event` does without handlers of single events
            handling = namespace.trigger_event(event, client.sid, *arguments)
        else:
            handling = self._trigger_event(event, packet.namespace, client.sid, *arguments)
        return handling

    async def _answer_without_data(self, client: NamespaceClient, packet: DecodedPacket) -> Any:
        answer = self.answer_binary if packet.attachments else self.answer_unreadable
        acknowledgement = await answer(client.sid, packet.namespace)
        return self.not_handled if acknowledgement is None else acknowledgement

    def _acknowledge(self, connection: Connection, packet: DecodedPacket, result: Any) -> None:
        if packet.ack_id is None or result is self.not_handled:
            return
        if isinstance(result, Encoded):
            payload = result.json
        else:
            arguments = list(result) if isinstance(result, tuple) else [] if result is None else [result]
            if self.packet_class.data_is_binary(arguments):
                self._send(connection, packets.ACK, packet.namespace, arguments, packet.ack_id)
                return
            payload = b",".join([self._dumps(argument) for argument in arguments])
        connection.reply(b"43%b%d[%b]" % (namespace_prefix(packet.namespace), packet.ack_id, payload))

    def _dumps(self, value: Any) -> bytes:
        if self._json is None:
            return write_json(value)
        text: str = self._json.dumps(value, separators=(",", ":"))
        return text.encode()


_logger: Final = logger
