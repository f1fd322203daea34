"""A port for a test's own server."""

import random
import socket

_dice = random.SystemRandom()


def free_port() -> int:
    """Return a port that nobody listens on.

    It lies below the range from which systems take the ports of outgoing connections; one from
    there could be taken by any client between this answer and the server's start.
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
