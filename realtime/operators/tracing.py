"""OpenTelemetry traces of commands: from the request, over the commit, to the push to every subscriber.

The spans of one command are the command itself, `commit` (its wait for the writer and its transaction), and `push`
(until the last subscriber was sent the change). Their attributes are names and counts: no id, no address, no text of a
client, and no exception, since its message may have one. Without SLOTCAST_OTLP nothing of OpenTelemetry is imported.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

from models.contract.commands.command import Answer, Command
from models.contract.errors import Refused
from models.contract.principal import Principal
from models.contract.values.time import Clock
from realtime.async_service import AsyncService
from realtime.requests.access_handler import AccessHandler
from realtime.requests.request_handler import RequestHandler
from realtime.rooms.dispatcher import Dispatcher

EXPORT_SECONDS = 5.0  # for one request of the exporter
STOP_SECONDS = 5.0


class Traces:
    """Sends spans to the collector at this URL, by a thread of the SDK. A collector that is down costs no request.

    Raise ImportError without the packages of deploy/requirements-otlp.txt.
    """

    def __init__(self, url: str) -> None:
        sdk: Any = import_module("opentelemetry.sdk.trace")
        exporting: Any = import_module("opentelemetry.sdk.trace.export")
        exporter: Any = import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
        resources: Any = import_module("opentelemetry.sdk.resources")
        self._api: Any = import_module("opentelemetry.trace")
        self._provider = sdk.TracerProvider(resource=resources.Resource.create({"service.name": "slotcast"}))
        export = exporter.OTLPSpanExporter(f"{url.rstrip('/')}/v1/traces", timeout=EXPORT_SECONDS)
        self._provider.add_span_processor(exporting.BatchSpanProcessor(export))
        self._tracer = self._provider.get_tracer("slotcast")

    def begin(self, command: Command) -> Trace:
        """Return the trace of a command that has just arrived."""
        return Trace(self._tracer, self._api, command.wire.name)

    async def close(self) -> None:
        """Send the spans that are left, if the collector takes them in time."""
        stopping = asyncio.get_running_loop().run_in_executor(None, self._provider.shutdown)
        await asyncio.wait([stopping], timeout=STOP_SECONDS)


class Trace:
    """The spans of one command. Times are by the machine's clock, in nanoseconds."""

    def __init__(self, tracer: Any, api: Any, name: str) -> None:
        self._tracer = tracer
        self._api = api
        self._began = time.time_ns()
        self._committed = 0
        self._span = tracer.start_span(
            name, start_time=self._began, kind=api.SpanKind.SERVER, attributes={"slotcast.request": name}
        )

    def committed(self) -> None:
        """Note the commit. The push begins."""
        self._committed = time.time_ns()

    def end(self, code: str, subscribers: int = 0) -> None:
        """End all spans: `code` is "ok" or the code of the refusal."""
        ended = time.time_ns()
        context = self._api.set_span_in_context(self._span)
        if self._committed or code != "ok":
            commit = self._tracer.start_span("commit", context, start_time=self._began)
            commit.end(self._committed or ended)
        if self._committed:
            sent = {"slotcast.subscribers": subscribers}
            self._tracer.start_span("push", context, start_time=self._committed, attributes=sent).end(ended)
        self._span.set_attribute("slotcast.code", code)
        if code == "internal":
            self._span.set_status(self._api.Status(self._api.StatusCode.ERROR))
        self._span.end(ended)


class TracedRequests(RequestHandler):
    """The handler of requests with a trace of each command."""

    def __init__(
        self, traces: Traces, service: AsyncService, dispatcher: Dispatcher, clock: Clock, access: AccessHandler
    ) -> None:
        super().__init__(service, dispatcher, clock, access)
        self._traces = traces

    async def do(
        self, command: Command, principal: Principal, received: int, on_commit: Callable[[], None] | None = None
    ) -> Answer:
        trace, code, subscribers = self._traces.begin(command), "internal", 0

        def committed() -> None:
            trace.committed()
            if on_commit is not None:
                on_commit()

        try:
            answer = await super().do(command, principal, received, committed)
            code, subscribers = "ok", self.subscribers_of(answer.calendar)
        except Refused as refusal:
            code = refusal.code
            raise
        except asyncio.CancelledError:
            code = "gone"
            raise
        finally:
            trace.end(code, subscribers)
        return answer


def make_handler(
    traces: Traces | None, service: AsyncService, dispatcher: Dispatcher, clock: Clock, access: AccessHandler
) -> RequestHandler:
    """Return the handler of requests, with traces if there is a collector."""
    if traces is None:
        return RequestHandler(service, dispatcher, clock, access)
    return TracedRequests(traces, service, dispatcher, clock, access)
