"""A client on a slow line that asks for much at once."""

import asyncio

import aiohttp

from tests.support import Api, new_key

from .conftest import Place
from .shop import in_days

SUBSCRIPTIONS = 16
HUGE_BYTES = 500_000


async def test_many_snapshots_over_a_slow_line(place: Place, api: Api) -> None:
    """Who asks for far more snapshots than it may hold, and reads late, gets every one of them, in order."""
    await api.post("/api/calendars", id="slow", name="Slow", zone="UTC")
    slots = [{"start": in_days(day), "end": in_days(day + 0.5), "data": {"x": "x" * 3_000}} for day in range(1, 51)]
    for _ in range(HUGE_BYTES // 150_000 + 1):
        await api.post("/api/calendars/slow/slots", slots=slots, key=new_key())
    url = f"{place.url}/socket.io/?EIO=4&transport=websocket"
    async with aiohttp.ClientSession(read_bufsize=4_096) as http, http.ws_connect(url, max_msg_size=0) as line:
        await line.receive()
        await line.send_str(f'40/staff,{{"token":"{place.staff}"}}')
        assert (await line.receive_str()).startswith("40/staff,")
        for number in range(SUBSCRIPTIONS):
            await line.send_str(f'42/staff,{number}["calendar.subscribe",{{"calendar":"slow"}}]')
        await asyncio.sleep(0.5)  # it does not read; nothing outside the server tells that it has written all it may
        for number in range(SUBSCRIPTIONS):
            answer = await line.receive_str()
            assert answer.startswith(f'43/staff,{number}[{{"ok":true,"mode":"snapshot"')
            assert len(answer) > HUGE_BYTES
