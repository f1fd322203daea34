"""A client on a slow line with many requests at once."""

import re

import aiohttp

from tests.support import Api, eventually, new_key
from tests.support.example import in_days
from tests.system.conftest import Place

SUBSCRIPTIONS = 16
HUGE_BYTES = 500_000


async def test_many_snapshots_over_a_slow_line(place: Place, api: Api) -> None:
    """A client asks for more snapshots than its cap, reads late, and gets every one of them, in order."""
    await api.post("/api/calendars", id="slow", name="Slow", zone="UTC")
    slots = [{"start": in_days(day), "end": in_days(day + 0.5), "data": {"x": "x" * 3_000}} for day in range(1, 51)]
    for _ in range(HUGE_BYTES // 150_000 + 1):
        await api.post("/api/calendars/slow/slots", slots=slots, duplicates=True, key=new_key())
    url = f"{place.url}/socket.io/?EIO=4&transport=websocket"
    async with aiohttp.ClientSession(read_bufsize=4_096) as http, http.ws_connect(url, max_msg_size=0) as line:
        await line.receive()
        await line.send_str(f'40/staff,{{"token":"{place.staff}"}}')
        assert (await line.receive_str()).startswith("40/staff,")
        for number in range(SUBSCRIPTIONS):
            await line.send_str(f'42/staff,{number}["calendar.subscribe",{{"calendar":"slow"}}]')
        await _has_written_all_it_may(http, place)
        for number in range(SUBSCRIPTIONS):
            answer = await line.receive_str()
            assert answer.startswith(f'43/staff,{number}[{{"ok":true,"mode":"snapshot"')
            assert len(answer) > HUGE_BYTES


async def _has_written_all_it_may(http: aiohttp.ClientSession, place: Place) -> None:
    """An answer at least has left, and nothing more does: twenty looks in a row find the same."""
    seen: list[float] = []

    async def stands_still() -> bool:
        async with http.get(f"{place.url}/metrics") as response:
            found = re.search(r"^slotcast_bytes_out_total (\S+)$", await response.text(), re.MULTILINE)
        assert found is not None
        seen.append(float(found[1]))
        return seen[-1] > HUGE_BYTES and len(seen) >= 20 and seen[-20] == seen[-1]

    await eventually(stands_still, what="a server that waits for its client")
