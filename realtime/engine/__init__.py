"""The engine: Socket.IO and Engine.IO on aiohttp, at a fraction of the usual cost.

It knows nothing of calendars and works alone:

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

A program for thousands of clients runs on uvloop and calls `tune_collector` first: without it the garbage
collector walks all connections again and again, which is half the cost of a connect.

It subclasses engineio.AsyncServer, its AsyncSocket, socketio.AsyncServer and its AsyncManager.
"""

from realtime.engine.budget import AddressBudget, Budget, Rates, cost_of
from realtime.engine.collector import tune_collector
from realtime.engine.connection_writer import ConnectionWriter, Limits, write_all
from realtime.engine.counters import Counters
from realtime.engine.engineio.opening import RejectedRequest
from realtime.engine.engineio.polling import UNREADABLE, is_encoded
from realtime.engine.engineio.server import EngineServer
from realtime.engine.packet import Event, Format, Packet
from realtime.engine.socketio.asgi import refuse_asgi
from realtime.engine.socketio.connection import Connection
from realtime.engine.socketio.encoder import Encoded, socketio_frames, socketio_text
from realtime.engine.socketio.room_manager import RoomManager
from realtime.engine.socketio.server import SocketServer
from realtime.engine.websocket.handshake import HandedOverResponse, answer_handshake, is_handshake, take_over
from realtime.engine.websocket.websocket import WebSocket

refuse_asgi(EngineServer, SocketServer)

__all__ = [
    "UNREADABLE",
    "AddressBudget",
    "Budget",
    "Connection",
    "ConnectionWriter",
    "Counters",
    "Encoded",
    "EngineServer",
    "Event",
    "Format",
    "HandedOverResponse",
    "Limits",
    "Packet",
    "Rates",
    "RejectedRequest",
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
