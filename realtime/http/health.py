"""The routes for operators: `/healthz`, `/readyz` and `/metrics`."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from models.contract.changes import encode
from models.contract.errors import Overloaded
from realtime.async_service import AsyncService
from realtime.engine import SocketServer
from realtime.reads.read_queue import Lane


class Health:
    """`/healthz` shows a running loop; `/readyz` also an answering database and a server open to newcomers.

    `degraded` names the parts of a ready server that work more slowly than they should.
    """

    def __init__(self, service: AsyncService, sockets: SocketServer, exposition: Callable[[], bytes]) -> None:
        self._service = service
        self._sockets = sockets
        self._exposition = exposition

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/healthz", self.health),
            web.get("/readyz", self.readiness),
            web.get("/metrics", self.exposition),
        ]

    async def health(self, _request: web.Request) -> web.Response:
        # Any page may read it: the element can distinguish a missing server from a list without the page's origin.
        headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-store"}
        return web.Response(body=encode({"status": "ok"}), content_type="application/json", headers=headers)

    async def readiness(self, _request: web.Request) -> web.Response:
        if self._sockets.refuse:
            raise Overloaded("The server is stopping.")
        await self._service.read(self._service.sync.check, lane=Lane.LIGHT, key="check")
        notifications = self._service.sync.notifications
        degraded = ["notifications"] if notifications is not None and notifications.is_deaf else []
        return web.Response(body=encode({"status": "ready", "degraded": degraded}), content_type="application/json")

    async def exposition(self, _request: web.Request) -> web.Response:
        headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        return web.Response(body=self._exposition(), headers=headers)
