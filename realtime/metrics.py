"""What /metrics tells: counts and gauges, read when asked for. No ids, names or addresses in a label."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from realtime.async_service import AsyncService
from realtime.engine import Counters
from realtime.loop_lag import LoopLagMonitor
from realtime.rooms.dispatcher import Dispatcher
from realtime.transports.stream import LONG_POLL, Streams

BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Requests:
    """How many requests were answered how, and how long they took. Plain numbers, written on the loop."""

    def __init__(self) -> None:
        self.answers: Counter[tuple[str, str]] = Counter()
        self.buckets = [0] * (len(BUCKETS) + 1)
        self.seconds = 0.0

    def count(self, name: str, code: str, seconds: float) -> None:
        """`name` is a route or a request of the wire, `code` "ok" or the error's."""
        self.answers[name, code] += 1
        self.seconds += seconds
        place = next((place for place, bound in enumerate(BUCKETS) if seconds <= bound), len(BUCKETS))
        self.buckets[place] += 1


class Metrics(Collector):
    """Gathers from where the numbers are kept; keeps none of its own but the start."""

    def __init__(
        self,
        *,
        counters: Counters,
        streams: Streams,
        dispatcher: Dispatcher,
        service: AsyncService,
        requests: Requests,
        loop_lag: LoopLagMonitor,
    ) -> None:
        self._loop_lag = loop_lag
        self._counters = counters
        self._streams = streams
        self._dispatcher = dispatcher
        self._service = service
        self._requests = requests
        self._started_at = time.time()
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def exposition(self) -> bytes:
        """All of it, in Prometheus' text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Everything, as of now (prometheus_client.Collector)."""
        counters = self._counters
        yield GaugeMetricFamily("slotcast_start_time_seconds", "When this process started.", self._started_at)
        connections = GaugeMetricFamily("slotcast_connections", "Open connections.", labels=["transport"])
        connections.add_metric(["websocket"], counters.open_websocket)
        connections.add_metric(["polling"], counters.open_polling)
        for kind in ("sse", "socket", LONG_POLL):
            connections.add_metric([kind], self._streams.count(kind))
        yield connections
        yield CounterMetricFamily("slotcast_connections_accepted", "Connections opened.", counters.accepted)
        yield CounterMetricFamily("slotcast_connections_refused", "Handshakes answered 503.", counters.refused)
        closed = CounterMetricFamily("slotcast_connections_closed", "Connections closed.", labels=["reason"])
        for reason, count in counters.closed.items():
            closed.add_metric([reason], count)
        yield closed
        yield CounterMetricFamily("slotcast_packets_out", "Packets written to clients.", counters.packets_out)
        yield CounterMetricFamily("slotcast_bytes_out", "Bytes written to clients.", counters.bytes_out)
        yield CounterMetricFamily("slotcast_changes", "Changes sent to rooms.", self._dispatcher.changes)
        yield GaugeMetricFamily("slotcast_rooms", "Calendars watched from this process.", len(self._dispatcher.rooms))
        watchers = sum(
            len(subscribers) for room in self._dispatcher.rooms.values() for subscribers in room.subscribers.values()
        )
        yield GaugeMetricFamily("slotcast_watchers", "Seats taken in rooms.", watchers)
        yield GaugeMetricFamily(
            "slotcast_commands_queued", "Commands that wait for the writer.", self._service.sync.queued
        )
        longest = self._loop_lag.longest_block_seconds
        yield GaugeMetricFamily("slotcast_loop_block_seconds_max", "Longest time the loop was late.", longest)
        yield CounterMetricFamily("slotcast_overloads", "Times newcomers were refused.", self._loop_lag.overloads)
        yield from self._collect_requests()

    def _collect_requests(self) -> Iterator[Metric]:
        requests = self._requests
        answers = CounterMetricFamily("slotcast_requests", "Requests answered.", labels=["request", "code"])
        for (name, code), count in requests.answers.items():
            answers.add_metric([name, code], count)
        yield answers
        total, buckets = 0, []
        for bound, count in zip((*map(str, BUCKETS), "+Inf"), requests.buckets, strict=True):
            total += count
            buckets.append((bound, total))
        yield HistogramMetricFamily(
            "slotcast_request_seconds", "From a request to its answer.", buckets=buckets, sum_value=requests.seconds
        )
