"""The seven transports of a calendar's changes, each as a client with the plainest tools uses it."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from datetime import UTC, datetime
from typing import Any

import aiohttp
import socketio

from tests.support.clients.replica import Message, Replica, Slot

Transport = Callable[[aiohttp.ClientSession, str, str, str | None], AsyncGenerator[Message, None]]
ANSWER_SECONDS = 10.0


class Subscriber(Replica):
    """A replica fed by the messages of any transport.

    Attributes:
        retry_seconds: the wait before its next connection, as a stream has said; None without a word.
        heard: its last messages in short, for the report of a gap.
    """

    retry_seconds: float | None = None

    def __init__(self) -> None:
        super().__init__()
        self.heard: deque[tuple[str, str, list[int]]] = deque(maxlen=20)

    @property
    def slots(self) -> dict[str, Slot]:
        return self._slots

    def take(self, message: Message) -> None:
        """Take a subscribe answer, a snapshot, a change or a wait; raise Gap if a change is missing."""
        seqs = [change["seq"] for change in message.get("changes", [message]) if "seq" in change]
        self.heard.append((f"{datetime.now(UTC):%H:%M:%S.%f}", message.get("mode", ""), seqs))
        if "retry" in message:
            self.retry_seconds = message["retry"] / 1_000
        elif "slots" in message and "prev" not in message:
            self.take_snapshot(message)
        elif "changes" in message:
            for change in message["changes"]:
                self.apply(change)
        else:
            self.apply(message)


async def _by_socketio(transport: str, url: str, calendar: str, after: str | None) -> AsyncGenerator[Message, None]:
    messages: asyncio.Queue[Message | None] = asyncio.Queue()
    client = socketio.AsyncClient(reconnection=False)

    async def on_change(_event: str, change: Message) -> None:
        messages.put_nowait(change)

    async def on_disconnect(*_reason: Any) -> None:
        messages.put_nowait(None)

    client.on("*", on_change, namespace="/calendars")
    client.on("disconnect", on_disconnect, namespace="/calendars")
    try:
        await client.connect(url, namespaces=["/calendars"], transports=[transport], wait_timeout=ANSWER_SECONDS)
        asked = {"calendar": calendar} | ({"after": after} if after else {})
        answer = await client.call("calendar.subscribe", asked, namespace="/calendars", timeout=ANSWER_SECONDS)
        assert answer["ok"], answer
        yield answer
        while (message := await messages.get()) is not None:
            yield message
    finally:
        await client.disconnect()


def _socketio(transport: str) -> Transport:
    async def subscribe(
        _http: aiohttp.ClientSession, url: str, calendar: str, after: str | None
    ) -> AsyncGenerator[Message, None]:
        async with aclosing(_by_socketio(transport, url, calendar, after)) as messages:
            async for message in messages:
                yield message

    return subscribe


async def by_events(
    http: aiohttp.ClientSession, url: str, calendar: str, after: str | None
) -> AsyncGenerator[Message, None]:
    """Server-sent events."""
    headers = {"Last-Event-ID": after} if after else {}
    async with http.get(f"{url}/api/calendars/{calendar}/events", headers=headers) as response:
        async for message in _events(response):
            yield message


async def _events(response: aiohttp.ClientResponse) -> AsyncGenerator[Message, None]:
    """Yield the messages of a stream, and the waits that it tells."""
    response.raise_for_status()
    async for line in response.content:
        if line.startswith(b"retry: "):
            yield {"retry": int(line[7:])}
        elif line.startswith(b"data: {") and b'"cursor_gone"' not in line:
            yield json.loads(line[6:])


async def by_plain_socket(
    http: aiohttp.ClientSession, url: str, calendar: str, after: str | None
) -> AsyncGenerator[Message, None]:
    """A plain WebSocket."""
    params = {"after": after} if after else {}
    async with http.ws_connect(f"{url}/api/calendars/{calendar}/socket", params=params) as socket:
        async for message in socket:
            yield json.loads(message.data)


async def by_bare_socket(
    http: aiohttp.ClientSession, url: str, calendar: str, after: str | None
) -> AsyncGenerator[Message, None]:
    """A plain WebSocket at the server's own address, and a message to subscribe."""
    async with http.ws_connect(f"{url}/") as socket:
        await socket.send_json({"subscribe": calendar} | ({"after": after} if after else {}))
        async for message in socket:
            yield json.loads(message.data)


async def by_many_events(
    http: aiohttp.ClientSession, url: str, calendar: str, after: str | None
) -> AsyncGenerator[Message, None]:
    """Server-sent events of several calendars."""
    params = {"calendars": calendar} | ({"after": f"{calendar}:{after}"} if after else {})
    async with http.get(f"{url}/api/events", params=params) as response:
        async for message in _events(response):
            yield message


async def by_long_poll(
    http: aiohttp.ClientSession, url: str, calendar: str, after: str | None
) -> AsyncGenerator[Message, None]:
    """Long poll, after a snapshot without a cursor."""
    while True:
        if after is None:
            async with http.get(f"{url}/api/calendars/{calendar}/slots") as response:
                response.raise_for_status()
                message = await response.json()
        else:
            params = {"after": after, "wait": "5"}
            async with http.get(f"{url}/api/calendars/{calendar}/changes", params=params) as response:
                if response.status == 410:
                    after = None
                    continue
                response.raise_for_status()
                message = await response.json()
        after = message["cursor"]
        yield message


TRANSPORTS: dict[str, Transport] = {
    "socket.io over websocket": _socketio("websocket"),
    "socket.io over polling": _socketio("polling"),
    "server-sent events": by_events,
    "events of many calendars": by_many_events,
    "plain websocket": by_plain_socket,
    "bare websocket": by_bare_socket,
    "long poll": by_long_poll,
}
