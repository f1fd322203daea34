"""Three official clients subscribe to one calendar, under all kinds of changes and three kills of its server."""

import asyncio
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from playwright.async_api import Page

from tests.support import Api, Client, Node, Server, Viewer, eventually, is_same
from tests.system.scenario import CALENDAR, Shop, staff_client

HELD_AT_START = 6
SEEN = {
    "slot.opened", "slot.held", "slot.released", "slot.expired", "slot.booked", "slot.cancelled",
    "slot.updated", "slot.closed", "slot.reopened", "slot.removed", "calendar.updated",
}  # fmt: skip
_LOOK = """() => { const it = window.slotcast.calendar; return {
    slots: [...it.slots], have: it.seq, cursor: it.cursor, applied: it.applied, snapshots: it.snapshots,
    window: [it.covered.from, it.covered.to] }; }"""


async def _ready(server: Server) -> tuple[str, Shop]:
    """A calendar with the shortest holds there are; its staff token."""
    token = server.command("token", "--scope", "staff").strip()
    server.command("calendar", "create", CALENDAR, "--zone", "Europe/Vienna")
    async with Api(server.url, token) as api:
        answer = await api.ask("PATCH", f"/api/calendars/{CALENDAR}", {"policy": {"hold_seconds": 30, "max_holds": 99}})
        assert answer.status == 200, answer
    return token, Shop(server, token, seed=7)


async def _hold_some(server: Server, shop: Shop) -> None:
    """Hold slots as a guest that goes away."""
    slots = await shop.open_slots(shop.over_http, 20)
    async with Api(server.url) as guest:
        for slot in slots[:HELD_AT_START]:
            await guest.post(f"/api/slots/{slot}/holds")


async def _kill_and_start(server: Server, shop: Shop, times: int) -> None:
    """Kill the server while commands are under way."""
    for _ in range(times):
        enough = shop.done.total() + 60
        await eventually(partial(shop.has_done, enough), 30, "sixty more requests")
        await asyncio.to_thread(server.kill9)
        await asyncio.to_thread(server.start)


async def _look(node: Node) -> dict[str, Any]:
    node.send({"look": True})
    found: dict[str, Any] = await asyncio.to_thread(node.read_until, lambda told: told["saw"] == "copy")
    return found


def _check_account(who: str, copy: dict[str, Any], head: dict[str, Any]) -> None:
    """Each change once and in order, from the one snapshot to the head."""
    applied = copy["applied"]
    assert applied == list(range(applied[0], head["seq"] + 1)), f"{who}: {applied}"
    assert (copy["have"], copy["cursor"]) == (head["seq"], head["cursor"]), who


async def test_every_official_client_equals_the_calendar(tmp_path: Path, node: Callable[..., Node], page: Page) -> None:
    """Through three kills, each official client applies every change once, in order, and equals a fresh snapshot."""
    with Server(tmp_path, "--no-demo", "--rate", "0") as server:
        token, shop = await _ready(server)
        official = node("watcher.mjs", server.url, CALENDAR, json.dumps({"transports": ["websocket"]}))
        await asyncio.to_thread(official.read_until, lambda told: told["saw"] == "subscribed")
        await page.goto(f"{server.url}/c/{CALENDAR}")
        await page.wait_for_function("() => window.slotcast?.calendar.seq >= 0")
        async with (
            Client(server.url, transports=("polling",)) as python,
            staff_client(server, token) as staff,
        ):
            viewer = await python.watch(CALENDAR)
            clerk = await staff.watch(CALENDAR)
            await _hold_some(server, shop)
            lapse_by = time.monotonic() + 31
            busy = [
                asyncio.create_task(work)
                for work in (
                    shop.keep_busy(shop.over(staff)),
                    shop.keep_busy(shop.over_http),
                    shop.keep_typing(),
                )
            ]
            await _kill_and_start(server, shop, times=3)
            shop.is_closing = True
            await asyncio.gather(*busy)
            wait = max(20.0, lapse_by - time.monotonic() + 10)
            await eventually(lambda: "slot.expired" in viewer.types, wait, "the lapse of the first holds")
            await _settle(server, official, page, [viewer, clerk])
            copies = {"node": await _look(official), "page": await page.evaluate(_LOOK)}
        copies |= {"python": viewer.account, "staff": clerk.account}
        async with Api(server.url, token) as api:
            await _compare(api, copies, clerk)
        assert viewer.modes.count("resumed") >= 3
        assert viewer.types >= SEEN
        print(shop.done, shop.refused)


async def _settle(server: Server, official: Node, page: Page, viewers: list[Viewer]) -> None:
    """Wait until everyone is up to date, and no hold is left to expire."""

    async def is_quiet() -> bool:
        async with Api(server.url) as api:
            head = await api.get(f"/api/calendars/{CALENDAR}/slots")
        at_page = await page.evaluate("() => window.slotcast.calendar.seq")
        at_node = (await _look(official))["have"]
        has_holds = any(slot["held"] for slot in head["slots"])
        return not has_holds and {at_page, at_node, *(viewer.have for viewer in viewers)} == {head["seq"]}

    await eventually(is_quiet, 50, "all to stand at the head")


async def _compare(api: Api, copies: dict[str, Any], clerk: Viewer) -> None:
    for who, copy in copies.items():
        fresh = await api.snapshot(CALENDAR, copy["window"])
        _check_account(who, copy, fresh)
        assert is_same(copy["slots"], fresh["slots"]), who
        assert len(fresh["slots"]) > 10
    assert copies["page"]["snapshots"] == [copies["page"]["applied"][0] - 1]
    for who in ("node", "python", "staff"):
        assert copies[who]["modes"].count("snapshot") == 1, who
    fresh = await api.get(f"/api/calendars/{CALENDAR}/bookings")
    told = {name: _as_in_changes(booking) for name, booking in clerk.bookings.items()}
    assert told == {booking["id"]: _as_in_changes(booking) for booking in fresh["bookings"]}


def _as_in_changes(booking: dict[str, Any]) -> dict[str, Any]:
    """Leave out what only lists have. Clients know from its change that a slot is removed."""
    return {
        name: value for name, value in booking.items() if name not in {"start", "end", "updated_at", "slot_removed"}
    }
