"""Traces: a command's spans reach a collector, from the request to the push, and nothing of a customer is in them."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.support import Api, Client, Server, eventually, new_key
from tests.support.example import in_days

PERSON = {"name": "Marker-Name", "email": "marker@mail.example", "phone": "+43-555-0199277", "note": "Marker-Note"}


class Collector:
    """A real HTTP receiver of OTLP; it keeps the bodies and the spans."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        assert request.path == "/v1/traces"
        self.bodies.append(await request.read())
        return web.Response(body=b"", content_type="application/x-protobuf")

    def spans(self) -> list[Any]:
        messages = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
        return [
            span
            for body in self.bodies
            for resource in messages.ExportTraceServiceRequest.FromString(body).resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]


@pytest.fixture
async def collector() -> AsyncIterator[Collector]:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="deploy/requirements-otlp.txt is optional")
    found = Collector()
    app = web.Application()
    app.router.add_post("/{path:.*}", found.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    found.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield found
    await runner.cleanup()


async def test_the_spans_of_a_booking(tmp_path: Path, collector: Collector) -> None:
    """Request, commit and push are one trace in order; a refusal has its code; no attribute has personal data."""
    settings = {"SLOTCAST_OTLP": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "50", "OTEL_TRACES_SAMPLER": "always_on"}
    with Server(tmp_path, "--no-demo", settings=settings) as server:
        token = server.command("token", "--scope", "staff").strip()
        async with Client(server.url) as client, Api(server.url, token) as api:
            await api.post("/api/calendars", id="room", name="Marker-calendar", zone="Etc/UTC")
            opened = await api.post("/api/calendars/room/slots", slots=[{"start": in_days(1), "end": in_days(1.1)}])
            await client.watch("room")
            slot = opened["slots"][0]["id"]
            await client.ask("slot.book", slot=slot, customer=PERSON, key=new_key())
            await client.ask("slot.book", slot=slot, customer=PERSON, key=new_key())
            await eventually(lambda: sum(span.name == "slot.book" for span in collector.spans()) == 2, what="two spans")
        secrets = [*PERSON.values(), "Marker", token, slot, "127.0.0.1", "room"]
    booked, refused = sorted(
        (span for span in collector.spans() if span.name == "slot.book"), key=lambda span: span.start_time_unix_nano
    )
    assert _attributes(booked) == {"slotcast.request": "slot.book", "slotcast.code": "ok"}
    assert _attributes(refused)["slotcast.code"] == "slot_unavailable"
    commit, push = (
        next(one for one in collector.spans() if one.parent_span_id == booked.span_id and one.name == name)
        for name in ("commit", "push")
    )
    assert booked.trace_id == commit.trace_id == push.trace_id
    assert booked.start_time_unix_nano <= commit.start_time_unix_nano <= commit.end_time_unix_nano
    assert commit.end_time_unix_nano == push.start_time_unix_nano <= push.end_time_unix_nano
    assert _attributes(push) == {"slotcast.subscribers": "1"}
    sent = b"".join(collector.bodies)
    assert not [secret for secret in secrets if secret.encode() in sent.replace(b"slotcast", b"")]


def _attributes(span: Any) -> dict[str, str]:
    return {one.key: one.value.string_value or str(one.value.int_value) for one in span.attributes}


async def test_a_collector_that_is_down_costs_no_request(tmp_path: Path, collector: Collector) -> None:
    """The server answers as ever, and stops in time."""
    settings = {"SLOTCAST_OTLP": "http://127.0.0.1:9"}
    with Server(tmp_path, "--no-demo", settings=settings) as server:
        token = server.command("token", "--scope", "staff").strip()
        async with Api(server.url, token) as api, asyncio.timeout(10):
            await api.post("/api/calendars", id="room", name="Room", zone="Etc/UTC")
        assert server.stop() == 0
