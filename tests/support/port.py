"""A port for a test's own server, and whether the server listens."""

import random
import socket
from contextlib import suppress

_dice = random.SystemRandom()


def free_port() -> int:
    """Return a free port.

    It lies below the range of outgoing ports. A port of that range could be taken by any client before the server
    starts.
    """
    while True:
        port = _dice.randrange(20_000, 32_000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def is_listening(port: int) -> bool:
    """Say if a server of this machine accepts connections on the port."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
