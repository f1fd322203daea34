"""The metrics of `/metrics`: counters and gauges, read at each request. No label has an id, a name or an address."""

from __future__ import annotations

import time
from collections.abc import Iterator

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from realtime.async_service import AsyncService
from realtime.engine import Counters
from realtime.loop_lag import LoopLagMonitor
from realtime.request_log import BUCKETS, RequestCounts
from realtime.rooms.dispatcher import Dispatcher
from realtime.transports.stream import LONG_POLL, Streams


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
        """Return all metrics in Prometheus' text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """Yield every metric, as of now (prometheus_client.Collector)."""
        yield GaugeMetricFamily("slotcast_start_time_seconds", "Start time of this process.", self._started_at)
        yield from self._collect_connections()
        yield from self._collect_rooms()
        yield GaugeMetricFamily(
            "slotcast_commands_queued", "Commands in the writer's queue.", self._service.sync.queued
        )
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
        yield from self._collect_notifications()
        yield from self._collect_requests()

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
        closed = CounterMetricFamily("slotcast_connections_closed", "Connections closed.", labels=["reason"])
        for reason, count in counters.closed.items():
            closed.add_metric([reason], count)
        yield closed
        yield CounterMetricFamily("slotcast_packets_out", "Packets written to clients.", counters.packets_out)
        yield CounterMetricFamily("slotcast_bytes_out", "Bytes written to clients.", counters.bytes_out)

    def _collect_rooms(self) -> Iterator[Metric]:
        dispatcher = self._dispatcher
        rooms = dispatcher.rooms
        yield CounterMetricFamily("slotcast_changes", "Changes sent to rooms.", dispatcher.changes)
        yield GaugeMetricFamily("slotcast_rooms", "Calendars with a room in this process.", len(rooms))
        yield GaugeMetricFamily("slotcast_room_bytes", "Bytes of the rooms' slots and changes.", dispatcher.room_bytes)
        yield CounterMetricFamily("slotcast_rooms_opened", "Rooms read from the database.", dispatcher.opened)
        yield CounterMetricFamily("slotcast_room_looks", "Times a room was compared with the log.", dispatcher.looks)
        subscribers = sum(room.subscriber_count for room in rooms.values())
        yield GaugeMetricFamily("slotcast_watchers", "Subscribers of rooms.", subscribers)

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
            "slotcast_request_seconds",
            "Time from a request to its answer.",
            buckets=buckets,
            sum_value=requests.seconds,
        )
