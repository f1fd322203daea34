"""Servers that restart one after another behind deploy/haproxy.cfg take no watcher away for long."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
from playwright.async_api import Page

from realtime.access.auth import Auth
from tests.support import Api, Server, eventually, free_port
from tests.support.clients.following import open_slot
from tests.support.databases.postgres import Postgres
from tests.support.haproxy import NO_HAPROXY, PROGRAM, WITHOUT_STICKINESS, HAProxy
from tests.system.chaos.crowd import Crowd
from tests.system.chaos.time_away import TimeAway

SECRET = "a secret that both of the servers know"
STAFF = Auth(SECRET.encode()).write_token("staff", scope="staff", calendars="*", seconds=3_600)
CALENDAR = "shared"
AWAY_SECONDS = 3.0
KEPT_UP_SECONDS = 0.1  # the longest delay of a timer meanwhile, on a machine that is not busy with other tests
# The browser's own EventSource, as docs/protocol.md has it, with the greatest age of a change when it came.
LISTEN = """
url => new Promise((resolve) => {
    const seen = (window.seen = { seqs: [], age_ms: 0, refusals: 0 });
    let cursor = "";
    function follow() {
        const events = new EventSource(`${url}?after=${encodeURIComponent(cursor)}`);
        events.addEventListener("snapshot", (event) => { cursor = event.lastEventId; resolve(); });
        events.onmessage = (event) => {
            const { seq, at } = JSON.parse(event.data);
            cursor = event.lastEventId;
            seen.seqs.push(seq);
            seen.age_ms = Math.max(seen.age_ms, Date.now() - Date.parse(at));
        };
        events.onerror = () => {
            if (events.readyState !== EventSource.CLOSED) return;
            seen.refusals += 1;
            setTimeout(follow, 1_000);
        };
    }
    follow();
})"""
pytestmark = pytest.mark.skipif(PROGRAM is None, reason=NO_HAPROXY)


@pytest.fixture
def servers(tmp_path: Path, postgres: Postgres) -> Iterator[list[Server]]:
    settings = {
        "SLOTCAST_SECRET": SECRET,
        "SLOTCAST_DEMO": "0",
        "SLOTCAST_RATE": "0",
        "SLOTCAST_PROXIES": "127.0.0.1",
        "SLOTCAST_DRAIN_SECONDS": "4",
    }
    url = postgres.new_url()
    with ExitStack() as stack:
        servers = []
        for port in (free_port(), free_port()):
            peer = {"SLOTCAST_PEER_URL": f"http://127.0.0.1:{port}"}
            server = Server(tmp_path, port=port, database=url, settings=settings | peer)
            servers.append(stack.enter_context(server))
        yield servers


@pytest.fixture
def haproxy(servers: list[Server]) -> Iterator[HAProxy]:
    """Run HAProxy, which gives each request to the next server, so that both have clients."""
    with HAProxy([server.port for server in servers], WITHOUT_STICKINESS) as haproxy:
        yield haproxy


async def test_no_watcher_is_away_for_long(servers: list[Server], haproxy: HAProxy, page: Page, tmp_path: Path) -> None:
    """On every transport, also for a browser's EventSource, each change comes once, in order and within 3 s."""
    away = TimeAway()

    async def all_up() -> bool:
        return haproxy.states()[:2] == [True, True]

    async def restart_in_turn() -> None:
        for server in servers:
            await asyncio.to_thread(server.restart)
            await eventually(all_up, 30.0, "both servers behind the proxy")

    await eventually(all_up, 30.0, "both servers behind the proxy")
    async with Api(haproxy.url, STAFF) as api:
        await api.post("/api/calendars", id=CALENDAR, name="Shared", zone="Etc/UTC")
        await page.goto(f"{haproxy.url}/livez")
        await page.evaluate(LISTEN, f"{haproxy.url}/api/calendars/{CALENDAR}/events")
        async with Crowd(haproxy.url, [CALENDAR], tmp_path, sets=1, delay_ms=1_000) as crowd:
            await crowd.converge(api)
            days, late = count(1), 0.0
            restarting = asyncio.create_task(restart_in_turn())
            while not restarting.done():
                await open_slot(api, CALENDAR, next(days) / 10)
                due = time.monotonic() + 0.1
                await asyncio.sleep(0.1)
                late = max(late, time.monotonic() - due)
            await restarting
            copies = await crowd.converge(api)
            away.add("restart in turn", copies, 0.0)
            head = copies[0].have
        has_all = "head => window.seen.seqs.at(-1) === head"
        await eventually(lambda: page.evaluate(has_all, head), 10.0, "the last change")
        seen = await page.evaluate("window.seen")
    print(away.table(), seen["age_ms"], seen["refusals"], late)
    assert seen["seqs"] == list(range(1, head + 1))
    if late < KEPT_UP_SECONDS:
        assert seen["refusals"] == 0
        assert away.longest("restart in turn") <= AWAY_SECONDS
        assert seen["age_ms"] <= 1_000 * AWAY_SECONDS
