"""Socket.IO on the engine: socketio.AsyncServer's interface, with one encode and one write.

The promise: requests of one socket start in the order they were sent, each is acknowledged in the very
step in which its handler returns, and nothing that leaves a socket overtakes anything.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

import socketio
from socketio.exceptions import ConnectionRefusedError as Refusal

from realtime.engine.counters import Counters
from realtime.engine.engineio.server import EngineServer
from realtime.engine.engineio.session import Connection
from realtime.engine.socketio import message as packets
from realtime.engine.socketio.attachment import Attachments
from realtime.engine.socketio.client import NamespaceClient, Standing
from realtime.engine.socketio.message import Malformed, Message, read_json
from realtime.engine.socketio.packet import Encoded, Event, Packet, namespace_prefix, write_json
from realtime.engine.socketio.room_manager import RoomManager

logger: Final = logging.getLogger(__name__)

MAX_NAMESPACES: Final = 32  # of one connection
MOST_ATTACHMENTS: Final = 1_000  # of one packet
ATTACHED_MESSAGES: Final = 10  # so many of the largest messages may a packet's attachments weigh
INTERNAL_FAILURE: Final = (
    b'{"ok":false,"error":{"code":"internal","message":"The request failed; it may be tried again.","retryable":true}}'
)


UNREADABLE: Final = (
    b'{"ok":false,"error":{"code":"unreadable","message":"The request cannot be read.","retryable":false}}'
)
TOO_BINARY: Final = (
    b'{"ok":false,"error":{"code":"unreadable",'
    b'"message":"The request has more binary attachments than this server takes.","retryable":false}}'
)


class SocketServer(socketio.AsyncServer):
    """A drop-in for socketio.AsyncServer on aiohttp.

    Drop-in means: the same constructor, decorators, methods and namespaces, and handlers that are called with the same
    arguments. Beyond that there are the arguments of EngineServer, and `max_attachments`, the binary attachments that
    one packet may have; with 0 none, for they cost memory before any handler has seen the packet.

    What cannot be had is refused at once: another `async_mode` than aiohttp and `ASGIApp`, another `client_manager`
    than a RoomManager (no message queue), `serializer`, `monitor_clients=False`, and `instrument()`.

    What is other than there:
    - Of one client `max_in_flight` requests run at once (16; with `async_handlers=False` one) and further ones wait.
      A handler may await `call` to its own client; one that awaits a later request of that client needs a higher limit.
    - `environ` holds the address, the query and the headers named in `keep_headers`; `server.environ` is empty.
    - `cors_allowed_origins=[]` means the server's own origin, not every origin; `"*"` goes without credentials.
    - A handler that raises is acknowledged with `encode_failure`. A connect handler that raises closes the transport.
    - NaN goes out as null. Dates, UUIDs, Decimals, sets, dataclasses and msgspec's structs are written too.
    - A client that joins no namespace within `join_timeout` (10 s) is closed, and so is one that does not read.
    """

    eio: EngineServer
    manager: RoomManager
    manager_initialized: bool

    def __init__(
        self,
        client_manager: RoomManager | None = None,
        logger: Any = False,  # noqa: FBT002
        json: Any = None,
        *,
        max_attachments: int = MOST_ATTACHMENTS,
        **options: Any,
    ) -> None:
        if client_manager is not None and not isinstance(client_manager, RoomManager):
            raise TypeError("client_manager must be a RoomManager: rooms hold connections, not ids")
        if options.get("serializer", "default") != "default":
            raise ValueError("the engine speaks Socket.IO's own encoding only")
        if options.get("monitor_clients") is False:
            raise ValueError("monitor_clients=False: the engine always closes clients that answer no ping")
        options.setdefault("join_timeout", 10.0)
        if not options.get("async_handlers", True):
            options["max_in_flight"] = 1
        super().__init__(
            client_manager=client_manager or RoomManager(),
            logger=_logger if logger is False else logger,  # else socketio sets a level behind our back
            json=json,
            **options,
        )
        self._attachments = Attachments(
            max_attachments,
            ATTACHED_MESSAGES * self.eio.max_http_buffer_size,
            json.loads if json is not None else read_json,
        )
        self._json = json

    def _engineio_server_class(self) -> type[EngineServer]:
        return EngineServer

    # -- beyond socketio

    @property
    def counters(self) -> Counters:
        """What the engine has counted."""
        return self.eio.counters

    @property
    def refuse(self) -> bool:
        """Whether newcomers are answered 503."""
        return self.eio.refuse

    @refuse.setter
    def refuse(self, value: bool) -> None:
        self.eio.refuse = value

    async def drain(self, seconds: float = 1.0) -> None:
        """Refuse newcomers and close all transports; clients reconnect elsewhere."""
        await self.eio.drain(seconds)

    def connection(self, sid: str, namespace: str | None = None) -> Connection:
        """The connection of a Socket.IO sid. Raises KeyError when it is gone."""
        names = [namespace] if namespace is not None else list(self.manager.members)
        for name in names:
            member = self.manager.member(sid, name)
            if member is not None:
                return member.connection
        raise KeyError(sid)

    def get_environ(self, sid: str, namespace: str | None = None) -> dict[str, Any] | None:
        """What is left of a client's request; see EngineServer's `keep_headers`."""
        member = self.manager.member(sid, namespace or "/")
        return member.connection.environ if member is not None else None

    def encode_event(self, namespace: str, event: str, payload: bytes, id: bytes = b"") -> Packet:  # noqa: A002
        """A packet of one event, whose one argument is the JSON `payload`."""
        return Packet((Event(namespace, write_json(event), payload, id),))

    def encode_arguments(self, namespace: str, event: str, arguments: list[Any]) -> Packet:
        """A packet of one event with any number of arguments."""
        return self.encode_event(namespace, event, b",".join([self._dumps(argument) for argument in arguments]))

    def encode_failure(self, error: Exception) -> bytes:  # noqa: ARG002
        """The acknowledgement of a request whose handler raised, as JSON. Override to say more."""
        return INTERNAL_FAILURE

    async def answer_unreadable(self, sid: str, namespace: str) -> Encoded:  # noqa: ARG002
        """The acknowledgement of a request that is no JSON array with an event's name. Override to say more."""
        return Encoded(UNREADABLE)

    async def answer_binary(self, sid: str, namespace: str) -> Encoded:  # noqa: ARG002
        """The acknowledgement of a request with more attachments than are taken. Override to say more."""
        return Encoded(TOO_BINARY)

    def describe_unknown(self, namespace: str) -> dict[str, Any]:  # noqa: ARG002
        """The CONNECT_ERROR, `{message, data?}`, of a namespace that is not served. Override to say more."""
        return {"message": "Invalid namespace"}

    def send_event(self, member: NamespaceClient, event: str, arguments: list[Any], ack_id: int | None = None) -> None:
        """Send one event to one member, with attachments and a request for an answer if need be."""
        self._send(member.connection, packets.EVENT, member.namespace, [event, *arguments], ack_id)

    def instrument(self, *_arguments: Any, **_options: Any) -> Any:
        """Refuse: Socket.IO's Admin UI is fed by patching parts of AsyncServer that are not here."""
        raise NotImplementedError("SocketServer has no instrument(): the Admin UI needs socketio.AsyncServer")

    # -- what comes in

    def _handle_eio_connect(self, eio_sid: str, environ: dict[str, Any]) -> None:  # noqa: ARG002
        if not self.manager_initialized:
            self.manager_initialized = True
            self.manager.initialize()

    def _handle_eio_message(self, eio_sid: str, data: str | bytes) -> Coroutine[Any, Any, None] | None:
        """Take one packet. What is returned must be done before the next one is read."""
        connection = self.eio.sockets[eio_sid]
        try:
            message = self._attachments.complete(eio_sid, data)
            return self._dispatch(connection, message) if message is not None else None
        except Malformed:
            connection.fail()
            return None

    def _dispatch(self, connection: Connection, message: Message) -> Coroutine[Any, Any, None] | None:
        if message.type == packets.CONNECT:
            return self._handle_connect(connection.sid, message.namespace, message.data)
        member = self.manager.member_of(connection, message.namespace)
        if member is None or member.standing is not Standing.JOINED:
            # To speak right behind one's own goodbye is no fault; to have joined nothing at all is.
            if not connection.members and message.type != packets.DISCONNECT:
                raise Malformed("no such membership")
            return None
        if message.type == packets.DISCONNECT:
            connection.begin_backlog()
            return self._take_goodbye(member)
        if message.type in {packets.EVENT, packets.BINARY_EVENT}:
            connection.request(lambda: self.eio.keep(self._answer(member, message)), message.size)
            return None
        if message.data is None:  # an answer with more attachments than are taken
            return None
        callback = member.take_callback(message.ack_id or 0)
        return self._call_back(callback, message.data) if callback is not None else None

    async def _call_back(self, callback: Callable[..., Any], arguments: list[Any]) -> None:
        result = callback(*arguments)
        if hasattr(result, "__await__"):
            await result

    async def _answer(self, member: NamespaceClient, message: Message) -> None:
        """Run a request's handler and acknowledge it, with no suspension between the two."""
        try:
            await member.connection.until_clear()
            try:
                result = await self._handle(member, message)
                self._acknowledge(member.connection, message, result)
            except Exception as error:
                logger.exception("handler of %r", message.data and message.data[0])
                self._acknowledge(member.connection, message, Encoded(self.encode_failure(error)))
        finally:
            member.connection.end_request()

    def _handle(self, member: NamespaceClient, message: Message) -> Awaitable[Any]:
        if message.data is None:
            answer = self.answer_binary if message.attachments else self.answer_unreadable
            return answer(member.sid, message.namespace)
        handling: Awaitable[Any] = self._trigger_event(
            message.data[0], message.namespace, member.sid, *message.data[1:]
        )
        return handling

    def _acknowledge(self, connection: Connection, message: Message, result: Any) -> None:
        if message.ack_id is None or result is self.not_handled:
            return
        if isinstance(result, Encoded):
            payload = result.json
        else:
            arguments = list(result) if isinstance(result, tuple) else [] if result is None else [result]
            if self.packet_class.data_is_binary(arguments):
                self._send(connection, packets.ACK, message.namespace, arguments, message.ack_id)
                return
            payload = b",".join([self._dumps(argument) for argument in arguments])
        connection.reply(b"43%b%d[%b]" % (namespace_prefix(message.namespace), message.ack_id, payload))

    # -- joining and leaving

    async def _handle_connect(self, eio_sid: str, namespace: str, data: Any) -> None:
        connection = self.eio.sockets.get(eio_sid)
        if connection is None:  # cut off before this had its turn
            return
        if not self._is_known(namespace) or len(connection.members) >= MAX_NAMESPACES:
            self._send(connection, packets.CONNECT_ERROR, namespace, self.describe_unknown(namespace))
            return
        member = self.manager.join(connection, namespace)
        if member is None:
            connection.fail()
            return
        if self.always_connect:
            self._welcome(member)
        try:
            verdict = await self._ask(member, data)
        except Exception:
            # Not CONNECT_ERROR, which tells the client's library to give up for good.
            logger.exception("connect handler of %s", namespace)
            self.manager.leave(member)
            connection.abort("connect failed")
            return
        if isinstance(verdict, dict):
            kind = packets.DISCONNECT if self.always_connect else packets.CONNECT_ERROR
            self.manager.leave(member)
            self._send(connection, kind, namespace, verdict)
        elif not connection.is_open:
            await self._part(member, self.reason.TRANSPORT_CLOSE)
        elif not self.always_connect:
            self._welcome(member)

    def _welcome(self, member: NamespaceClient) -> None:
        member.connection.send_text(b'40%b{"sid":"%b"}' % (namespace_prefix(member.namespace), member.sid.encode()))
        member.welcome()

    async def _ask(self, member: NamespaceClient, data: Any) -> dict[str, Any] | None:
        """Run the connect handler; the reason if it refuses. Old ones take no `auth`."""
        environ = member.connection.environ
        try:
            try:
                answer = await self._trigger_event("connect", member.namespace, member.sid, environ, data)
            except TypeError as error:
                if data:
                    raise
                try:
                    answer = await self._trigger_event("connect", member.namespace, member.sid, environ)
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

    async def _take_goodbye(self, member: NamespaceClient) -> None:
        """A client's own: what it asked for before begins before."""
        await self.eio.admission.until_served()
        await asyncio.sleep(0)  # what was just served takes its first step in the loop's next turn
        await member.connection.until_clear()
        await self._part(member, self.reason.CLIENT_DISCONNECT)

    async def _part(self, member: NamespaceClient, reason: str) -> None:
        """End a membership: the handler still sees its rooms and its session."""
        if member.standing is Standing.LEAVING:
            return
        member.standing = Standing.LEAVING
        try:
            await self._trigger_event("disconnect", member.namespace, member.sid, reason)
        except Exception:
            logger.exception("disconnect handler of %s", member.namespace)
        finally:
            self.manager.leave(member)
        if member.connection.is_open and not member.connection.members:
            self.eio.expect_joining(member.connection)

    def _handle_eio_disconnect(self, eio_sid: str, reason: str) -> Coroutine[Any, Any, None] | None:
        self._attachments.forget(eio_sid)
        members = self.eio.sockets[eio_sid].members
        return self._part_all(members, reason) if members else None

    async def _part_all(self, members: tuple[NamespaceClient, ...], reason: str) -> None:
        for member in members:
            if member.standing is Standing.JOINED:  # one that is joining is parted when its handler returns
                await self._part(member, reason)

    async def disconnect(self, sid: str, namespace: str | None = None, ignore_queue: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        """Say a final goodbye (packet 41): the client's library will not reconnect by itself.

        To drop a client that may come back, use `connection(sid).abort(reason)`.
        """
        member = self.manager.member(sid, namespace or "/")
        if member is not None and member.standing is Standing.JOINED:
            self._send(member.connection, packets.DISCONNECT, member.namespace, None)
            await self._part(member, self.reason.SERVER_DISCONNECT)

    # -- what goes out

    async def _send_packet(self, eio_sid: str, pkt: Any) -> None:
        connection = self.eio.sockets.get(eio_sid)
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

    def _dumps(self, value: Any) -> bytes:
        if self._json is None:
            return write_json(value)
        text: str = self._json.dumps(value, separators=(",", ":"))
        return text.encode()


_logger: Final = logger
