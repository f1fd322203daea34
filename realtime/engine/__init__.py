"""The engine: Socket.IO and Engine.IO on aiohttp, at a fraction of the usual cost.

It knows nothing of calendars and stands alone:

    from aiohttp import web
    from realtime.engine import SocketServer

    server = SocketServer()

    @server.on("greet")
    async def greet(sid, name):
        await server.emit("greeted", name)
        return {"hello": name}

    app = web.Application()
    server.attach(app)
    web.run_app(app)

A program that expects thousands of clients runs on uvloop and calls `tune_collector` first: half of what
it costs to accept a client is the garbage collector walking the others.

It subclasses engineio.AsyncServer, its AsyncSocket, socketio.AsyncServer and its AsyncManager.
"""

from .asgi import refuse_asgi
from .budget import AddressBudget, Budget, Rates, cost_of
from .collector import tune_collector
from .connection import Connection
from .counter import Counters
from .engine_server import EngineServer
from .outlet import Limits, Outlet, write_all
from .packet import Encoded, Event, Format, Packet, socketio_frames, socketio_text
from .polling import UNREADABLE, is_encoded
from .room import RoomManager
from .socket_server import SocketServer
from .takeover import answer_handshake, is_handshake, take_over
from .websocket import WebSocket

refuse_asgi(EngineServer, SocketServer)

__all__ = [
    "UNREADABLE",
    "AddressBudget",
    "Budget",
    "Connection",
    "Counters",
    "Encoded",
    "EngineServer",
    "Event",
    "Format",
    "Limits",
    "Outlet",
    "Packet",
    "Rates",
    "RoomManager",
    "SocketServer",
    "WebSocket",
    "answer_handshake",
    "cost_of",
    "is_encoded",
    "is_handshake",
    "socketio_frames",
    "socketio_text",
    "take_over",
    "tune_collector",
    "write_all",
]
