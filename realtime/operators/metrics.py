"""The metrics of `/metrics`: counters and gauges, read at each request. No label has an id, a name or an address."""

from __future__ import annotations

import asyncio
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from importlib.metadata import version
from types import MappingProxyType
from typing import Any

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from models.contract.values.histogram import Histogram
from models.contract.values.time import write_time
from realtime.async_service import AsyncService
from realtime.engine import Counters
from realtime.faults.faults import KINDS, Faults
from realtime.faults.loop_lag import LoopLagMonitor
from realtime.nodes.leader import Leader
from realtime.nodes.relay import Relay
from realtime.request_log import RequestCounts
from realtime.rooms.dispatcher import Dispatcher
from realtime.rooms.recovery import Recovery
from realtime.transports.stream import LONG_POLL, Streams

NO_LABELS: Mapping[str, str] = MappingProxyType({})
_VERSIONS = {
    "Python": platform.python_version(),
    **{name: version(name) for name in ("python-socketio", "aiohttp", "peewee")},
}


def figures_of(metrics: Iterable[Metric], more: Mapping[str, str] = NO_LABELS) -> list[dict[str, Any]]:
    """Return the samples of metrics as figures, with more labels."""
    return [
        {"name": sample.name, "labels": {**sample.labels, **more}, "value": float(sample.value)}
        for metric in metrics
        for sample in metric.samples
    ]


class Metrics(Collector):
    """Collects the numbers from their owners. It keeps only the start time."""

    def __init__(
        self,
        *,
        counters: Counters,
        streams: Streams,
        dispatcher: Dispatcher,
        service: AsyncService,
        requests: RequestCounts,
        loop_lag: LoopLagMonitor,
        leader: Leader,
        recovery: Recovery,
        queued_bytes: Callable[[], int] = int,
        relay: Relay | None = None,
        faults: Faults | None = None,
    ) -> None:
        self._faults = faults or Faults()
        self._recovery = recovery
        self._queued_bytes = queued_bytes
        self._relay = relay
        self._leader = leader
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
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)

    def server(self) -> dict[str, Any]:
        """Return the figures for the page of the server."""
        return {
            "server_time": write_time(int(time.time() * 1_000)),
            "started_at": write_time(int(self._started_at * 1_000)),
            "versions": _VERSIONS,
            "workers": 1,
            "figures": figures_of(self.collect()),
        }

    def collect(self) -> Iterator[Metric]:
        """Yield every metric, as of now (prometheus_client.Collector)."""
        yield GaugeMetricFamily("slotcast_start_time_seconds", "Start time of this process.", self._started_at)
        build = GaugeMetricFamily("slotcast_build_info", "1; the versions are labels.", labels=["schema", "python"])
        build.add_metric([self._service.sync.schema, platform.python_version()], 1)
        yield build
        yield from self._collect_connections()
        yield from self._collect_reads()
        yield from self._collect_rooms()
        yield from self._collect_answers()
        yield from self._collect_writes()
        yield GaugeMetricFamily("slotcast_tasks", "Tasks of the event loop.", len(asyncio.all_tasks()))
        longest = self._loop_lag.longest_block_seconds
        yield GaugeMetricFamily("slotcast_loop_block_seconds_max", "Longest lag of the event loop.", longest)
        yield CounterMetricFamily(
            "slotcast_overloads", "Periods of refused connections, because of overload.", self._loop_lag.overloads
        )
        yield GaugeMetricFamily(
            "slotcast_clock_offset_seconds",
            "How far this machine's clock is ahead of the database's.",
            self._service.sync.clock_offset / 1_000,
        )
        yield GaugeMetricFamily(
            "slotcast_leader", "1 on the server that does the periodic work for all.", self._leader.is_leader
        )
        if self._relay is not None:
            yield CounterMetricFamily(
                "slotcast_relayed_requests", "Requests passed on to other servers.", self._relay.relayed
            )
        yield from self._collect_faults()
        yield from self._collect_standby()
        yield from self._collect_notifications()
        yield from self._collect_requests()

    def _collect_reads(self) -> Iterator[Metric]:
        reads = GaugeMetricFamily("slotcast_reads_queued", "Reads that wait for a thread.", labels=["lane"])
        for lane, count in self._service.queued_reads.items():
            reads.add_metric([lane.name.lower()], count)
        yield reads
        waits, times = self._service.read_times
        yield _filled(
            HistogramMetricFamily(
                "slotcast_read_wait_seconds", "Time until a read of the database gets a thread.", labels=["lane"]
            ),
            {(lane.name.lower(),): histogram for lane, histogram in waits.items()},
        )
        yield _filled(
            HistogramMetricFamily("slotcast_read_seconds", "Time of a read on its thread.", labels=["lane"]),
            {(lane.name.lower(),): histogram for lane, histogram in times.items()},
        )

    def _collect_writes(self) -> Iterator[Metric]:
        sync = self._service.sync
        yield GaugeMetricFamily("slotcast_commands_queued", "Commands in the writer's queue.", self._service.queued)
        figures = sync.figures
        yield _filled(
            HistogramMetricFamily("slotcast_batch_commands", "Commands of a write transaction."), {(): figures.sizes}
        )
        yield _filled(
            HistogramMetricFamily("slotcast_batch_seconds", "Time of a write transaction, with its COMMIT."),
            {(): figures.seconds},
        )
        yield _filled(
            HistogramMetricFamily("slotcast_lock_wait_seconds", "Of these, the time until it has its locks."),
            {(): figures.lock_seconds},
        )

    def _collect_answers(self) -> Iterator[Metric]:
        """Yield the answers to subscriptions: resumptions by their depth, and snapshots by their reason."""
        yield _filled(
            HistogramMetricFamily("slotcast_replayed_changes", "Changes that a resuming client had missed."),
            {(): self._recovery.replayed},
        )
        snapshots = CounterMetricFamily(
            "slotcast_snapshots",
            "Snapshots for subscribers: they had no cursor, one too old, or one of another history.",
            labels=["why"],
        )
        for why in ("new", "too_old", "other_history"):
            snapshots.add_metric([why], self._recovery.snapshots[why])
        yield snapshots

    def _collect_faults(self) -> Iterator[Metric]:
        present = GaugeMetricFamily("slotcast_fault", "1 while this fault makes the server unready.", labels=["fault"])
        begun = CounterMetricFamily("slotcast_faults", "Times that a fault has begun.", labels=["fault"])
        for kind in KINDS:
            present.add_metric([kind], kind in self._faults.present)
            begun.add_metric([kind], self._faults.begun[kind])
        yield present
        yield begun
        free_bytes = self._service.sync.free_bytes
        if free_bytes is not None:
            yield GaugeMetricFamily("slotcast_disk_free_bytes", "Space left on the database's disk.", free_bytes)

    def _collect_standby(self) -> Iterator[Metric]:
        """Yield nothing without a read replica."""
        standby = self._service.sync.standby
        if standby is not None:
            reads = CounterMetricFamily(
                "slotcast_replica_reads", "Snapshots by a read replica; behind or down: read again.", labels=["outcome"]
            )
            for outcome, count in standby.reads.copy().items():
                reads.add_metric([outcome], count)
            yield reads

    def _collect_notifications(self) -> Iterator[Metric]:
        """Yield nothing on a database without notifications."""
        notifications = self._service.sync.notifications
        if notifications is None:
            return
        yield CounterMetricFamily("slotcast_notified_changes", "Changes sent to other servers.", notifications.sent)
        yield CounterMetricFamily("slotcast_heard_changes", "Changes received from others.", notifications.received)
        yield GaugeMetricFamily(
            "slotcast_notifications_deaf",
            "1 while no notification arrives and the log is polled.",
            notifications.is_deaf,
        )
        if notifications.has_redis:
            yield GaugeMetricFamily(
                "slotcast_redis_deaf",
                "1 while no message of Redis arrives and the database carries the changes.",
                notifications.is_redis_deaf,
            )

    def _collect_connections(self) -> Iterator[Metric]:
        counters = self._counters
        connections = GaugeMetricFamily("slotcast_connections", "Open connections.", labels=["transport"])
        connections.add_metric(["websocket"], counters.open_websocket)
        connections.add_metric(["polling"], counters.open_polling)
        for kind in ("sse", "socket", LONG_POLL):
            connections.add_metric([kind], self._streams.count(kind))
        yield connections
        yield CounterMetricFamily("slotcast_connections_accepted", "Connections opened.", counters.accepted)
        yield CounterMetricFamily("slotcast_connections_refused", "Handshakes answered 503.", counters.refused)
        closed = CounterMetricFamily(
            "slotcast_connections_closed", "Connections closed; slow: it did not read.", labels=["reason"]
        )
        for reason, count in counters.closed.items():
            closed.add_metric([reason], count)
        yield closed
        yield GaugeMetricFamily(
            "slotcast_queued_bytes", "Bytes that wait for clients to read them.", self._queued_bytes()
        )
        yield CounterMetricFamily("slotcast_packets_out", "Packets written to clients.", counters.packets_out)
        yield CounterMetricFamily("slotcast_bytes_out", "Bytes written to clients.", counters.bytes_out)

    def _collect_rooms(self) -> Iterator[Metric]:
        dispatcher = self._dispatcher
        rooms = dispatcher.rooms
        yield CounterMetricFamily("slotcast_changes", "Changes sent to rooms.", dispatcher.advances.changes)
        yield GaugeMetricFamily("slotcast_rooms", "Calendars with a room in this process.", len(rooms))
        yield GaugeMetricFamily("slotcast_room_bytes", "Bytes of the rooms' slots and changes.", dispatcher.room_bytes)
        yield CounterMetricFamily("slotcast_rooms_opened", "Rooms read from the database.", dispatcher.opened)
        yield CounterMetricFamily("slotcast_room_looks", "Times a room was compared with the log.", dispatcher.looks)
        yield _filled(
            HistogramMetricFamily(
                "slotcast_push_seconds",
                "Time from a commit, or news of another server's, until subscribers were sent it.",
            ),
            {(): dispatcher.advances.push_times},
        )
        subscribers = sum(room.subscriber_count for room in rooms.values())
        yield GaugeMetricFamily("slotcast_watchers", "Subscribers of rooms.", subscribers)

    def _collect_requests(self) -> Iterator[Metric]:
        requests = self._requests
        answers = CounterMetricFamily("slotcast_requests", "Requests answered.", labels=["request", "code"])
        for (name, code), count in requests.answers.items():
            answers.add_metric([name, code], count)
        yield answers
        yield _filled(
            HistogramMetricFamily("slotcast_request_seconds", "Time from a request to its answer.", labels=["request"]),
            {(name,): histogram for name, histogram in requests.times.items()},
        )


def _filled(family: HistogramMetricFamily, histograms: Mapping[tuple[str, ...], Histogram]) -> HistogramMetricFamily:
    """Return the family with a histogram for each of these labels."""
    for labels, histogram in histograms.items():
        family.add_metric(list(labels), histogram.cumulative, histogram.sum)
    return family
