"""The parts that show operators the state of the server: its faults, their watches, and the traces."""

from __future__ import annotations

from collections.abc import Callable

from realtime.async_service import AsyncService
from realtime.faults.faults import Faults, FaultWatch
from realtime.faults.loop_lag import LoopLagMonitor
from realtime.faults.loop_watch import LoopWatch
from realtime.operators.tracing import Traces


class OperatorParts:
    """They start with the server, and end first. `otlp_url` is the address of a collector of traces, or ""."""

    def __init__(
        self, service: AsyncService, loop_lag: LoopLagMonitor, listener_age: Callable[[], float], otlp_url: str
    ) -> None:
        self.faults = Faults()
        self.fault_watch = FaultWatch(service, self.faults, listener_age)
        self._loop_watch = LoopWatch(self.faults, lambda: loop_lag.ticked_at)
        self.traces = Traces(otlp_url) if otlp_url else None

    def start(self) -> None:
        self.fault_watch.start()
        self._loop_watch.start()

    async def close(self) -> None:
        await self._loop_watch.close()
        await self.fault_watch.close()
        if self.traces is not None:
            await self.traces.close()
