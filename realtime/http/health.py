"""The routes for operators: `/livez`, `/healthz`, `/readyz` and `/metrics`."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping

from aiohttp import web

from models.contract.changes import encode
from models.contract.errors import Overloaded
from realtime.async_service import AsyncService
from realtime.faults.faults import Faults, FaultWatch
from realtime.http.problem import problems
from realtime.nodes.workers import WorkerLinks
from realtime.request_log import RequestCounts

MOST_OFFSET_SECONDS = 5.0
WARN_OFFSET_SECONDS = 1.0
SCARCE_DISK_BYTES = 100_000_000
_WARN_AGAIN_SECONDS = 600.0

_SAMPLE = re.compile(r"^(\w+)({(.*)})? ")

_log = logging.getLogger("slotcast.health")


class Health:
    """`/livez` and `/healthz` show a running loop. `/readyz` shows if this server should get traffic.

    An overloaded server is ready: it answers as much as it can, and refuses the rest itself. `degraded` names the slow
    parts of a ready server, and a disk with little space.
    """

    def __init__(
        self,
        service: AsyncService,
        exposition: Callable[[], bytes],
        check_reader: Callable[[web.Request], None],
        *,
        faults: Faults,
        watch: FaultWatch,
        links: WorkerLinks | None = None,
    ) -> None:
        self.is_stopping = False
        self._faults = faults
        self._watch = watch
        self._check_reader = check_reader
        self._service = service
        self._exposition = exposition
        self._links = links
        self._warned_at = float("-inf")

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/healthz", self.health),
            web.get("/livez", self.health),
            web.get("/readyz", self.readiness),
            web.get("/metrics", self._public_exposition),
        ]

    def operators(self, counts: RequestCounts) -> web.Application:
        """Return an application for an address of the operator's own, where everyone may read the metrics."""
        app = web.Application(middlewares=[problems(counts)])
        routes = {"/livez": self.health, "/readyz": self.readiness, "/metrics": self.exposition}
        app.add_routes([web.get(path, handler) for path, handler in routes.items()])
        return app

    async def health(self, _request: web.Request) -> web.Response:
        # Any page may read it: the element can distinguish a missing server from a list without the page's origin.
        headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-store"}
        return web.Response(body=encode({"status": "ok"}), content_type="application/json", headers=headers)

    async def readiness(self, _request: web.Request) -> web.Response:
        if self.is_stopping:
            raise Overloaded("The server is stopping.")
        await self._watch.check_for_probe()
        if present := self._faults.present.copy():
            raise Overloaded(" ".join(present.values()), faults=sorted(present))
        self._check_clock()
        body = {"status": "ready", "degraded": self._degraded()}
        return web.Response(body=encode(body), content_type="application/json")

    def _degraded(self) -> list[str]:
        free_bytes, notifications = self._service.sync.free_bytes, self._service.sync.notifications
        slow = {
            "disk": free_bytes is not None and free_bytes < SCARCE_DISK_BYTES,
            "notifications": notifications is not None and notifications.is_deaf,
            "redis": notifications is not None and notifications.has_redis and notifications.is_redis_deaf,
        }
        return [part for part, is_slow in slow.items() if is_slow]

    def _check_clock(self) -> None:
        """Refuse a clock far off the database's, and warn of a smaller difference.

        No rule depends on it, but the logs and tokens of this machine have its time.
        """
        offset = self._service.sync.clock_offset / 1_000
        if abs(offset) > WARN_OFFSET_SECONDS and time.monotonic() - self._warned_at > _WARN_AGAIN_SECONDS:
            self._warned_at = time.monotonic()
            _log.warning("This machine's clock is %+.1f s off the database's", offset)
        if abs(offset) > MOST_OFFSET_SECONDS:
            raise Overloaded(f"This machine's clock is {offset:+.1f} s off the database's.")

    async def _public_exposition(self, request: web.Request) -> web.Response:
        self._check_reader(request)
        return await self.exposition(request)

    async def exposition(self, _request: web.Request) -> web.Response:
        headers = {"Content-Type": "text/plain; version=0.0.4; charset=utf-8"}
        if self._links is None:
            return web.Response(body=self._exposition(), headers=headers)
        return web.Response(body=merged(await self._links.expositions()), headers=headers)


def merged(expositions: Mapping[int, bytes]) -> bytes:
    """Return the metrics of several workers as one text, each sample with the label `worker`."""
    families: dict[str, list[str]] = {}
    for number, exposition in sorted(expositions.items()):
        family: list[str] = []
        for line in exposition.decode().splitlines():
            if line.startswith("# HELP "):
                family = families.setdefault(line.split(" ")[2], [])
            if line.startswith("#"):
                if line not in family:
                    family.append(line)
            else:
                family.append(_SAMPLE.sub(rf'\1{{worker="{number}",\3}} ', line, count=1).replace(",} ", "} "))
    return "".join(f"{line}\n" for family in families.values() for line in family).encode()
