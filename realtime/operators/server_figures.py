"""The figures for the page of the server: of this process or of all workers of its machine, and of the other servers.

Workers give their metrics to each other as text, by the links between them. Servers tell each other a row of figures
with their beats, where the database has notifications.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from prometheus_client.parser import text_string_to_metric_families

from models.contract.server_answers import ToldFigures
from models.contract.values.time import SECOND, write_time
from models.service import Notifications, SlotService
from realtime.background_task import end_tasks
from realtime.nodes.workers import WorkerLinks
from realtime.operators.metrics import Metrics, figures_of

TELL_SECONDS = 2.0  # as often as a beat
MOST_SERVERS = 100  # in an answer

Figure = dict[str, Any]

# A figure of a server is the sum of these over all labels, or with one label.
_SUMS: Mapping[str, tuple[str, tuple[str, str] | None]] = MappingProxyType(
    {
        "connections": ("slotcast_connections", None),
        "subscribers": ("slotcast_watchers", None),
        "rooms": ("slotcast_rooms", None),
        "queued": ("slotcast_commands_queued", None),
        "changes": ("slotcast_changes_total", None),
        "requests": ("slotcast_requests_total", None),
        "slow": ("slotcast_connections_closed_total", ("reason", "slow")),
    }
)


class Heard(NamedTuple):
    """The figures of one process, and how many seconds old they are."""

    told: ToldFigures
    age: float


class ServerFigures:
    """The answer to `server.read`. `name` is this server's name on the pages of the others."""

    def __init__(self, metrics: Metrics, links: WorkerLinks | None, service: SlotService, name: str) -> None:
        self._metrics = metrics
        self._links = links
        self._service = service
        self._name = name
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Tell the other servers the figures of this process from now on."""
        if self._service.notifications is not None:
            self._task = asyncio.create_task(self._run(self._service.notifications), name="figures")

    async def close(self) -> None:
        await end_tasks([self._task])

    async def _run(self, notifications: Notifications) -> None:
        while True:
            if notifications.has_peers:  # a server alone has nobody to tell
                notifications.told = self._told(figures_of(self._metrics.collect()))
            await asyncio.sleep(TELL_SECONDS)

    def _told(self, figures: Iterable[Figure]) -> ToldFigures:
        notifications = self._service.notifications
        node = notifications.node if notifications is not None else ""
        return told_of(figures, place=self._links.place if self._links is not None else node, name=self._name)

    async def read(self) -> dict[str, Any]:
        """Return the answer to `server.read`. Of several workers, those that answer are in it."""
        answer = self._metrics.server()
        if self._links is not None:
            answer |= of_workers(await self._links.expositions())
        own = self._told(answer["figures"])
        now = time.monotonic()
        peers = self._service.notifications.peers if self._service.notifications is not None else []
        heard = [Heard(peer.told, now - peer.at) for peer in peers if peer.told is not None]
        rows = [
            {"is_this": True, **row_of([Heard(own, 0.0)]), "workers": answer["workers"]},
            *rows_of(one for one in heard if one.told.place != own.place),
        ]
        silent = {peer.url for peer in peers if peer.told is None}  # servers of the release before
        return answer | {"nodes": len(rows) + len(silent), "servers": rows[:MOST_SERVERS]}


def told_of(figures: Iterable[Figure], *, place: str, name: str) -> ToldFigures:
    """Return the sums of the figures of one process, or of the workers of a server."""
    values: defaultdict[str, list[tuple[Mapping[str, str], float]]] = defaultdict(list)
    for figure in figures:
        values[figure["name"]].append((figure["labels"], figure["value"]))
    sums = {
        field: int(sum(value for labels, value in values[metric] if only is None or labels.get(only[0]) == only[1]))
        for field, (metric, only) in _SUMS.items()
    }
    started = min((value for _, value in values["slotcast_start_time_seconds"]), default=0.0)
    return ToldFigures(
        place=place,
        name=name,
        started_at=int(started * SECOND),
        is_leader=any(value for _, value in values["slotcast_leader"]),
        **sums,
    )


def rows_of(heard: Iterable[Heard]) -> list[dict[str, Any]]:
    """Return a row for each server, by name: processes of one place are the workers of one server."""
    places: defaultdict[str, list[Heard]] = defaultdict(list)
    for one in heard:
        places[one.told.place].append(one)
    rows = [{"is_this": False, **row_of(workers)} for workers in places.values()]
    return sorted(rows, key=lambda row: (row["name"], row["started_at"]))


def row_of(workers: Sequence[Heard]) -> dict[str, Any]:
    """Return the row of one server. Its time is that of the oldest figures in it."""
    age = max(one.age for one in workers)
    return {
        "name": workers[0].told.name,
        "told_at": write_time(int((time.time() - age) * SECOND)),
        "started_at": write_time(min(one.told.started_at for one in workers)),
        "is_leader": any(one.told.is_leader for one in workers),
        "workers": len(workers),
        **{field: sum(getattr(one.told, field) for one in workers) for field in _SUMS},
    }


def of_workers(expositions: Mapping[int, bytes]) -> dict[str, Any]:
    """Return the figures of workers, each with the label `worker`."""
    figures = [
        figure
        for number, exposition in sorted(expositions.items())
        for figure in figures_of(text_string_to_metric_families(exposition.decode()), {"worker": str(number)})
    ]
    return {"workers": len(expositions), "figures": figures}
