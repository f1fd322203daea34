"""python-socketio as it comes, on aiohttp and uvloop: `python bench/peers/stock.py PORT SAMPLE`.

SAMPLE is JSON of `{change, snapshot}`, as for Node.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import socketio
import uvloop
from aiohttp import web

NAMESPACE = "/calendars"


def build(sample: dict[str, Any]) -> web.Application:
    change, snapshot = sample["change"], sample["snapshot"]
    room = f"calendar:{change['calendar']}"
    server = socketio.AsyncServer(async_mode="aiohttp", http_compression=False)

    async def connect(_sid: str, _environ: dict[str, Any], _auth: Any = None) -> None:
        """Everyone may come in."""

    async def subscribe(sid: str, _request: Any) -> dict[str, Any]:
        await server.enter_room(sid, room, namespace=NAMESPACE)
        answer: dict[str, Any] = snapshot
        return answer

    async def emit(_sid: str, asked: dict[str, int]) -> dict[str, bool]:
        for _ in range(asked["count"]):
            change["prev"] = snapshot["seq"]
            change["seq"] = snapshot["seq"] = snapshot["seq"] + 1
            change["slots"][0]["data"]["t"] = asked["t"]
            await server.emit(change["type"], change, room=room, namespace=NAMESPACE)
        return {"ok": True}

    async def ready(_request: web.Request) -> web.Response:
        return web.Response(text="ok")

    server.on("connect", connect, namespace=NAMESPACE)
    server.on("calendar.subscribe", subscribe, namespace=NAMESPACE)
    server.on("emit", emit, namespace=NAMESPACE)
    app = web.Application()
    server.attach(app)
    app.router.add_get("/", ready)
    return app


if __name__ == "__main__":
    uvloop.install()
    web.run_app(
        build(json.loads(Path(sys.argv[2]).read_text())),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        backlog=4_096,
        access_log=None,
        print=None,
    )
