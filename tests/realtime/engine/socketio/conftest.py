"""Python clients with a record of their events, and a server with answers to malformed requests."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import socketio

from realtime.engine import Encoded, SocketServer
from tests.realtime.engine.conftest import Endpoint
from tests.support import eventually


class Answering(SocketServer):
    """A server that acknowledges requests without a readable payload."""

    async def answer_unreadable(self, sid: str, namespace: str) -> Encoded:  # noqa: ARG002
        return Encoded(b'"unreadable"')

    async def answer_binary(self, sid: str, namespace: str) -> Encoded:  # noqa: ARG002
        return Encoded(b'"binary"')


@pytest.fixture
async def connect(endpoint: Endpoint) -> AsyncIterator[Callable[..., Any]]:
    """Return a function that connects a Python client; it collects all its events."""
    clients: list[socketio.AsyncClient] = []

    async def start(*namespaces: str, transport: str = "websocket") -> socketio.AsyncClient:
        client = socketio.AsyncClient(reconnection=False)
        client.heard = []
        clients.append(client)
        for namespace in namespaces or ("/",):
            client.on("*", lambda *event: client.heard.append(event), namespace=namespace)
        await client.connect(endpoint.http_url, namespaces=list(namespaces) or None, transports=[transport])
        return client

    yield start
    for client in clients:
        await client.disconnect()


async def received(client: Any, *events: tuple[Any, ...]) -> None:
    """Wait until the client has these events, in order, and no others."""
    await eventually(lambda: len(client.heard) >= len(events))
    assert client.heard == list(events)
