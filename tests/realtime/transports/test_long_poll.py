"""Long poll: it waits for the next change, for a bounded time."""

import asyncio

import aiohttp
import pytest

from models.contract.errors import BadRequest
from realtime.transports.long_poll import read_wait
from realtime.transports.stream import BEAT_SECONDS
from tests.realtime.transports.conftest import make_calendar, open_slots
from tests.support import STAFF, Api, Client, eventually, new_key
from tests.support.clients.raw import Raw
from tests.support.clients.replica import Replica
from tests.system.both_transports import number_of
from tests.system.conftest import Place

CHANGES = 1_203  # more than two pages, and more than a replay


async def test_a_long_poll_waits_for_the_next_change(place: Place, api: Api) -> None:
    """It is counted while it waits, and answered with the change that ends its wait."""
    path = await make_calendar(api, "awaited")
    await open_slots(api, path, 1)
    cursor = (await api.get(f"{path}/slots"))["cursor"]
    polling = asyncio.create_task(api.get(f"{path}/changes?wait=60&after={cursor}"))

    async def is_waiting() -> bool:
        return await number_of(api, 'slotcast_connections{transport="longpoll"}') == 1

    await eventually(is_waiting, what="the long poll")
    assert not polling.done()
    await open_slots(api, path, 1)
    assert [change["type"] for change in (await polling)["changes"]] == ["slot.opened"]
    assert not await is_waiting()


async def test_a_long_poll_ends_with_its_client(place: Place, api: Api) -> None:
    """Polls of clients that hang up leave nothing behind: no cap on connections counts them."""
    path = await make_calendar(api, "left")
    cursor = (await api.get(f"{path}/slots"))["cursor"]
    polls = []
    for _ in range(50):
        raw = await Raw.connect(place.server.port)
        await raw.send(f"GET {path}/changes?wait=60&after={cursor} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
        polls.append(raw)

    async def count(expected: int) -> bool:
        return await number_of(api, 'slotcast_connections{transport="longpoll"}') == expected

    await eventually(lambda: count(50), what="the polls")
    for raw in polls[1:]:
        raw.close()
    await eventually(lambda: count(1), 2 * BEAT_SECONDS, "the end of the polls without a client")
    await open_slots(api, path, 1)
    assert b'"slot.opened"' in await polls[0].reader.readuntil(b"server_time")
    polls[0].close()


async def test_more_than_a_replay_comes_by_pages(place: Place, api: Api) -> None:
    """From the first cursor, polls that announce more bring every change, in order."""
    path = await make_calendar(api, "busy")
    first = after = (await api.get(f"{path}/changes"))["cursor"]
    async with Client(place.url, token=place.staff, namespace=STAFF) as staff:
        for begin in range(0, CHANGES, 400):
            names = [f"Name {number}" for number in range(begin, min(begin + 400, CHANGES))]
            sent = [staff.send("calendar.update", {"id": "busy", "name": name, "key": new_key()}) for name in names]
            assert all(answer["ok"] for answer in await asyncio.gather(*sent))
    head = (await api.get(f"{path}/changes"))["seq"]
    replica, sizes = Replica(), []
    replica.take_snapshot({"info": {}, "seq": 0, "cursor": after, "slots": []})
    has_more = True
    while has_more:
        poll = await api.get(f"{path}/changes?after={after}")
        sizes.append(len(poll["changes"]))
        for change in poll["changes"]:
            assert change["prev"] == replica.have
            replica.apply(change)
        after, has_more = poll["cursor"], poll["more"]
        assert has_more == (poll["seq"] < head)
    assert sizes == [500, 500, 203]
    assert (replica.have, replica.info["name"]) == (head, f"Name {CHANGES - 1}")
    gone = await api.ask("GET", f"{path}/changes?after=1.000000000000")
    assert gone.code == "cursor_gone"
    await _is_cached(place, f"{path}/changes?after={first}", after)


async def _is_cached(place: Place, full: str, head: str) -> None:
    """Caches may keep a full page for a guest, and no other page and no page of staff."""
    partial = full.partition("?")[0] + f"?after={head}"
    for url, token, caching in (
        (full, "", "public, max-age=60"),
        (full, place.staff, "no-store"),
        (partial, "", "no-store"),
    ):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        async with aiohttp.request("GET", f"{place.url}{url}", headers=headers) as response:
            assert response.headers["Cache-Control"] == caching
            assert ("Authorization" in response.headers.get("Vary", "")) == (caching != "no-store")


@pytest.mark.parametrize(("text", "seconds"), [("0", 0), ("1.5", 1.5), ("60", 60)])
def test_a_wait_is_at_most_a_minute(text: str, seconds: float) -> None:
    """The wait is given in seconds, with a fraction or without one."""
    assert read_wait(text) == seconds


@pytest.mark.parametrize("text", ["", "-1", "60.1", "nan", "inf", "soon", "1 s"])
def test_a_bad_wait_is_a_bad_request(text: str) -> None:
    """The refusal names the field."""
    with pytest.raises(BadRequest) as refused:
        read_wait(text)
    assert refused.value.details == {"field": "wait"}
