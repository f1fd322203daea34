"""The figures for the page of the server: of this process, or of all workers of its machine.

Workers give their metrics to each other as text, by the links between them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from realtime.nodes.workers import WorkerLinks
from realtime.operators.metrics import Metrics, figures_of


class ServerFigures:
    def __init__(self, metrics: Metrics, links: WorkerLinks | None) -> None:
        self._metrics = metrics
        self._links = links

    async def read(self) -> dict[str, Any]:
        """Return the answer to `server.read`. Of several workers, those that answer are in it."""
        own = self._metrics.server()
        return own if self._links is None else own | of_workers(await self._links.expositions())


def of_workers(expositions: Mapping[int, bytes]) -> dict[str, Any]:
    """Return the figures of workers, each with the label `worker`."""
    figures = [
        figure
        for number, exposition in sorted(expositions.items())
        for figure in figures_of(text_string_to_metric_families(exposition.decode()), {"worker": str(number)})
    ]
    return {"workers": len(expositions), "figures": figures}
