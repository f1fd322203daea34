"""The life of a session: known until its disconnect handler is done, and forgotten then."""

import asyncio

import pytest

from realtime.engine import EngineServer
from tests.realtime.engine.conftest import Serve
from tests.support import eventually


async def test_a_session_is_known_until_its_disconnect_handler_is_done(serve: Serve) -> None:
    """The handler may still read the session; afterwards nothing is kept of it."""
    server, latch, seen = EngineServer(), asyncio.Event(), list[dict[str, str]]()

    async def disconnected(sid: str, _reason: str) -> None:
        await latch.wait()
        seen.append(await server.get_session(sid))

    server.on("disconnect", disconnected)
    endpoint = await serve(server)
    socket, opening = await endpoint.open_websocket()
    await server.save_session(opening["sid"], {"name": "Ada"})
    await socket.close()
    await eventually(lambda: server.counters.open_websocket == 0)
    assert opening["sid"] in server.sockets
    latch.set()
    await eventually(lambda: not server.sockets)
    assert seen == [{"name": "Ada"}]


@pytest.mark.parametrize("is_awaited", [True, False])
async def test_a_failing_disconnect_handler_keeps_no_session(
    serve: Serve, caplog: pytest.LogCaptureFixture, *, is_awaited: bool
) -> None:
    """Its error is logged."""
    server = EngineServer()

    def fail(_sid: str, _reason: str) -> None:
        raise RuntimeError("the handler is broken")

    async def fail_later(sid: str, reason: str) -> None:
        fail(sid, reason)

    server.on("disconnect", fail_later if is_awaited else fail)
    endpoint = await serve(server)
    socket, _ = await endpoint.open_websocket()
    await socket.close()
    await eventually(lambda: not server.sockets)
    assert "the handler is broken" in caplog.text
