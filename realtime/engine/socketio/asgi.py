"""Refuses ASGI when an application is built, not when its first client connects.

The engine owns the transports of its clients, and ASGI gives no access to them.
"""

import functools
from typing import Any

import engineio


def refuse_asgi(*servers: type) -> None:
    """Make `ASGIApp(server)` raise TypeError for servers of these classes. Other servers work as before."""
    original = engineio.ASGIApp.__init__

    @functools.wraps(original)
    def initialize(self: Any, server: Any, *arguments: Any, **options: Any) -> None:
        if isinstance(server, servers):
            raise TypeError(
                f"{type(server).__name__} runs on aiohttp only, not on ASGI: put it into an aiohttp application with "
                "attach(app), or use socketio.AsyncServer(async_mode='asgi')"
            )
        original(self, server, *arguments, **options)

    engineio.ASGIApp.__init__ = initialize
