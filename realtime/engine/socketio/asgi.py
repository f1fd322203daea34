"""Refuses ASGI where an application is put together, not when its first client comes.

The engine owns its clients' transports, which ASGI does not give out.
"""

import functools
from typing import Any

import engineio


def refuse_asgi(*servers: type) -> None:
    """Make `ASGIApp(server)` raise TypeError for servers of these classes; others are served as before."""
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
