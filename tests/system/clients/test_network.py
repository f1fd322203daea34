"""Bad networks: the official clients find a way through, and back to the better one."""

import asyncio
import json
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.support import Api, Client, Node, Proxy, Server, eventually
from tests.support.example import in_days

CALENDAR = "room"
# engine.io-client may lose its new WebSocket while it pauses polling for it. Then it does neither until its ping time-
# out, 45 s later. No server can reach it meanwhile.
UNTIL_NOTICED_SECONDS = 90


def _make(server: Server) -> str:
    server.command("calendar", "create", CALENDAR)
    return server.command("token", "--scope", "staff").strip()


async def _open_one(server: Server, token: str, number: int) -> None:
    async with Api(server.url, token) as api:
        days = 1 + number
        await api.post(
            f"/api/calendars/{CALENDAR}/slots",
            duplicates=True,
            slots=[{"start": in_days(days), "end": in_days(days + 0.5)}],
        )


async def _saw(watcher: Node, what: str) -> Any:
    return await asyncio.to_thread(watcher.read_until, lambda told: told["saw"] == what)


async def _look(watcher: Node) -> Any:
    watcher.send({"look": True})
    return await _saw(watcher, "copy")


async def _has_applied(watcher: Node, count: int) -> Any:
    copy = await _look(watcher)
    assert copy["modes"].count("snapshot") == 1, f"a cursor was not honoured: {copy}"
    return copy if len(copy["applied"]) == count else None


async def test_cut_off_from_websocket(server: Server, proxy: Proxy, node: Callable[..., Node]) -> None:
    """The default official client stays live by polling while WebSocket is cut off, and upgrades later."""
    token = _make(server)
    proxy.block_websocket()
    watcher = node("watcher.mjs", proxy.url, CALENDAR)
    assert (await _saw(watcher, "subscribed"))["transport"] == "polling"
    await _open_one(server, token, 1)
    copy = await eventually(lambda: _has_applied(watcher, 1))
    assert copy["transport"] == "polling"
    proxy.restore()
    await _open_one(server, token, 2)
    watcher.send({"reconnect": True})
    await _saw(watcher, "subscribed")

    async def is_upgraded() -> bool:
        return bool((await _look(watcher))["transport"] == "websocket")

    await eventually(is_upgraded, what="WebSocket")
    await _open_one(server, token, 3)
    copy = await eventually(lambda: _has_applied(watcher, 3))
    assert (copy["modes"], copy["gaps"]) == (["snapshot", "resumed"], 0)


async def test_websocket_first_then_polling(server: Server, proxy: Proxy, node: Callable[..., Node]) -> None:
    """A client that begins with WebSocket falls back by its own list of transports."""
    _make(server)
    proxy.block_websocket()
    options = {"transports": ["websocket", "polling"], "tryAllTransports": True, "upgrade": False}
    watcher = node("watcher.mjs", proxy.url, CALENDAR, json.dumps(options))
    assert (await _saw(watcher, "subscribed"))["transport"] == "polling"


async def test_cut_in_the_middle(server: Server, proxy: Proxy, node: Callable[..., Node]) -> None:
    """Connections that are reset again and again cost no change and repeat none."""
    token = _make(server)
    kinds = (["websocket"], ["polling"], ["polling", "websocket"])
    watchers = [node("watcher.mjs", proxy.url, CALENDAR, json.dumps({"transports": kind})) for kind in kinds]
    for watcher in watchers:
        await _saw(watcher, "subscribed")
    async with Client(proxy.url) as python:
        viewer = await python.watch(CALENDAR)
        for number in range(10):
            await _open_one(server, token, number)
            proxy.cut()
            await _open_one(server, token, number)
        for watcher in watchers:
            copy = await eventually(partial(_has_applied, watcher, 20), UNTIL_NOTICED_SECONDS, "every change")
            assert copy["applied"] == list(range(copy["applied"][0], copy["have"] + 1))
        await eventually(lambda: len(viewer.applied) == 20)
        assert viewer.is_whole
