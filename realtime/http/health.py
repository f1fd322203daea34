"""The routes for operators: `/livez`, `/healthz`, `/readyz` and `/metrics`."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable, Mapping

from aiohttp import web

from models.contract.changes import encode
from models.contract.commands.background import CheckWriter
from models.contract.errors import Overloaded
from realtime.async_service import AsyncService
from realtime.reads.read_queue import Lane
from realtime.workers import WorkerLinks

CHECK_SECONDS = 2.0  # an operator's probe waits no longer, and neither should a request
STANDSTILL_SECONDS = 1.0  # without an answer to any command, before the writer is asked
MOST_OFFSET_SECONDS = 5.0
WARN_OFFSET_SECONDS = 1.0
_WARN_AGAIN_SECONDS = 600.0

_SAMPLE = re.compile(r"^(\w+)({(.*)})? ")

_log = logging.getLogger("slotcast.health")


class Health:
    """`/livez` and `/healthz` show a running loop. `/readyz` shows if this server should get traffic.

    A server that is overloaded is ready: it answers what it can, and says so itself. `degraded` names the parts of a
    ready server that work more slowly than they should.
    """

    def __init__(
        self, service: AsyncService, exposition: Callable[[], bytes], links: WorkerLinks | None = None
    ) -> None:
        self.is_stopping = False
        self._service = service
        self._exposition = exposition
        self._links = links
        self._warned_at = float("-inf")

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/healthz", self.health),
            web.get("/livez", self.health),
            web.get("/readyz", self.readiness),
            web.get("/metrics", self.exposition),
        ]

    async def health(self, _request: web.Request) -> web.Response:
        # Any page may read it: the element can distinguish a missing server from a list without the page's origin.
        headers = {"Access-Control-Allow-Origin": "*", "Cache-Control": "no-store"}
        return web.Response(body=encode({"status": "ok"}), content_type="application/json", headers=headers)

    async def readiness(self, _request: web.Request) -> web.Response:
        if self.is_stopping:
            raise Overloaded("The server is stopping.")
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                await self._service.read(self._service.sync.check, lane=Lane.LIGHT, key="check")
        except TimeoutError as error:
            raise Overloaded("The database does not answer.") from error
        await self._check_writer()
        self._check_clock()
        body = {"status": "ready", "degraded": self._degraded()}
        return web.Response(body=encode(body), content_type="application/json")

    async def _check_writer(self) -> None:
        """Refuse a writer that runs no transaction. One that waits for a locked calendar runs others meanwhile."""
        if self._service.standstill_seconds > STANDSTILL_SECONDS:
            try:
                async with asyncio.timeout(CHECK_SECONDS):
                    await self._service.run(CheckWriter())
            except (TimeoutError, Overloaded) as error:
                raise Overloaded("The writer stands still.") from error

    def _degraded(self) -> list[str]:
        notifications = self._service.sync.notifications
        return ["notifications"] if notifications is not None and notifications.is_deaf else []

    def _check_clock(self) -> None:
        """Refuse a clock that is far off the database's, and warn of one that is off.

        No rule depends on it, but the logs and tokens of this machine have its time.
        """
        offset = self._service.sync.clock_offset / 1_000
        if abs(offset) > WARN_OFFSET_SECONDS and time.monotonic() - self._warned_at > _WARN_AGAIN_SECONDS:
            self._warned_at = time.monotonic()
            _log.warning("This machine's clock is %+.1f s off the database's", offset)
        if abs(offset) > MOST_OFFSET_SECONDS:
            raise Overloaded(f"This machine's clock is {offset:+.1f} s off the database's.")

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
