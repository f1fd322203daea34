"""Server-sent events of one calendar: the first events by the cursor."""

import aiohttp

from tests.realtime.transports.conftest import make_calendar, open_slots
from tests.support import Api
from tests.system.conftest import Place


async def _lines(response: aiohttp.ClientResponse, count: int) -> list[str]:
    """Return the first lines that are no comment, no wait and not empty."""
    lines: list[str] = []
    while len(lines) < count:
        line = (await response.content.readline()).decode().strip()
        if line and not line.startswith((":", "retry:")):
            lines.append(line.partition("{")[0].strip())
    return lines


async def test_a_stream_begins_by_its_cursor(place: Place, api: Api, http: aiohttp.ClientSession) -> None:
    """Without a cursor a snapshot comes first, after a good one the changes, and after a bad one a reset."""
    path = await make_calendar(api, "sse-first")
    first = (await api.get(f"{path}/slots"))["cursor"]
    await open_slots(api, path, 1)
    last = (await api.get(f"{path}/slots"))["cursor"]
    url = f"{place.url}{path}/events"
    snapshot = [f"id: {last}", "event: snapshot", "data:"]
    async with http.get(url) as response:
        assert await _lines(response, 3) == snapshot
    async with http.get(url, params={"after": "9.damaged"}, headers={"Last-Event-ID": first}) as response:
        assert await _lines(response, 2) == [f"id: {last}", "data:"]
    async with http.get(url, params={"after": "9.damaged"}) as response:
        assert await _lines(response, 5) == ["event: reset", "data:", *snapshot]
