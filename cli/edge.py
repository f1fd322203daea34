"""The command `server.py edge`: serves watchers from a copy of another server, without a database."""

from __future__ import annotations

import asyncio
import logging
from typing import Annotated

import typer

from cli.serve import BACKLOG, loop_factory, stop_by_signal, why_not_listening
from cli.serve import runner_of as make_runner
from cli.setting_values import check_peer_url
from cli.settings import BadSetting, Settings, declared
from realtime.edge.app import DRAIN, GUARD, EdgeApp, EdgeSettings
from realtime.engine import tune_collector
from realtime.http.connection import BoundedSite

_USED = {
    *EdgeSettings._fields,
    "host", "port", "drain_seconds", "head_seconds", "unread_seconds", "max_connections",
    "max_connections_per_address", "metrics_public", "log_level", "log_format",
}  # fmt: skip

_log = logging.getLogger("slotcast.settings")


def serve_edge(
    context: typer.Context,
    *,
    core: Annotated[str, typer.Option(help="URL of the server, or of the load balancer before several.")],
) -> None:
    """Serve watchers of public calendars from a copy of another server (the core), without a database."""
    try:
        check_peer_url(core or "-")
    except ValueError as error:
        raise BadSetting(f"--core: {error}") from error
    for setting in declared():
        if setting.name not in _USED and _is_given(context, setting.name):
            _log.warning("%s changes nothing at an edge.", setting.variable)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_serve(context.obj, core))


def _is_given(context: typer.Context, name: str) -> bool:
    """Say if the setting is on the command line or in the environment."""
    source = context.parent.get_parameter_source(name) if context.parent is not None else None
    return source is not None and source.name != "DEFAULT"


async def _serve(settings: Settings, core: str) -> None:
    edge = EdgeApp(
        core,
        EdgeSettings(
            origins=settings.origins,
            proxies=settings.proxies,
            rate=settings.rate,
            address_factor=settings.address_factor,
            most_open_per_address=settings.most_open_per_address,
            body_seconds=settings.body_seconds,
            max_queued_bytes=settings.max_queued_bytes,
            max_room_bytes=settings.max_room_bytes,
            has_public_metrics=settings.metrics_public,
        ),
    )
    app = edge.build()
    runner = make_runner(app, settings.bounds, guard=app[GUARD])
    tune_collector()
    await runner.setup()
    try:
        await BoundedSite(runner, settings.host, settings.port, backlog=BACKLOG).start()
    except (OSError, UnicodeError) as error:
        await runner.cleanup()
        raise BadSetting(why_not_listening(settings, error)) from error
    print(
        f"Slotcast serves watchers of {core} on http://{settings.host}:{settings.port}  (Ctrl-C stops it)", flush=True
    )
    await stop_by_signal().wait()
    if settings.drain_seconds:
        await app[DRAIN](settings.drain_seconds)
    await runner.cleanup()
