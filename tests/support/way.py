"""The five ways to follow a calendar, each as a client would with the plainest tools; and the one rule they share."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

import aiohttp
import socketio

Message = dict[str, Any]
Way = Callable[[aiohttp.ClientSession, str, str, str | None], AsyncGenerator[Message, None]]
ANSWER_SECONDS = 10.0


class Gap(Exception):
    """A change that does not follow what the watcher has."""


class Watcher:
    """A client's whole rule, and a list of every seq that it applied."""

    def __init__(self) -> None:
        self.slots: dict[str, Message] = {}
        self.have = -1
        self.cursor: str | None = None
        self.applied: list[int] = []
        self.snapshots = 0

    def take(self, message: Message) -> None:
        """A subscribe answer, a snapshot, or a change; Gap if something is missing."""
        if "slots" in message and "prev" not in message:
            self.slots = {slot["id"]: slot for slot in message["slots"]}
            self.have, self.cursor = message["seq"], message["cursor"]
            self.snapshots += 1
        elif "changes" in message:
            for change in message["changes"]:
                self._apply(change)
        else:
            self._apply(message)

    def _apply(self, change: Message) -> None:
        if change["seq"] <= self.have:
            return
        if change["prev"] > self.have:
            raise Gap(change["seq"], self.have)
        self.slots |= {slot["id"]: slot for slot in change["slots"]}
        for removed in change["removed"]:
            self.slots.pop(removed, None)
        self.have, self.cursor = change["seq"], change["cursor"]
        self.applied.append(self.have)


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
        await client.connect(url, namespaces=["/calendars"], transports=[transport])
        asked = {"calendar": calendar} | ({"after": after} if after else {})
        answer = await client.call("calendar.subscribe", asked, namespace="/calendars", timeout=ANSWER_SECONDS)
        assert answer["ok"], answer
        yield answer
        while (message := await messages.get()) is not None:
            yield message
    finally:
        await client.disconnect()


async def by_websocket(
    _http: aiohttp.ClientSession, url: str, calendar: str, after: str | None
) -> AsyncGenerator[Message, None]:
    """Socket.IO over WebSocket."""
    async with aclosing(_by_socketio("websocket", url, calendar, after)) as messages:
        async for message in messages:
            yield message


async def by_polling(
    _http: aiohttp.ClientSession, url: str, calendar: str, after: str | None
) -> AsyncGenerator[Message, None]:
    """Socket.IO over long polling."""
    async with aclosing(_by_socketio("polling", url, calendar, after)) as messages:
        async for message in messages:
            yield message


async def by_events(
    http: aiohttp.ClientSession, url: str, calendar: str, after: str | None
) -> AsyncGenerator[Message, None]:
    """Server-sent events."""
    headers = {"Last-Event-ID": after} if after else {}
    async with http.get(f"{url}/api/calendars/{calendar}/events", headers=headers) as response:
        response.raise_for_status()
        async for line in response.content:
            if line.startswith(b"data: {") and b'"cursor_gone"' not in line:
                yield json.loads(line[6:])


async def by_plain_socket(
    http: aiohttp.ClientSession, url: str, calendar: str, after: str | None
) -> AsyncGenerator[Message, None]:
    """A plain WebSocket."""
    params = {"after": after} if after else {}
    async with http.ws_connect(f"{url}/api/calendars/{calendar}/socket", params=params) as socket:
        async for message in socket:
            yield json.loads(message.data)


async def by_long_poll(
    http: aiohttp.ClientSession, url: str, calendar: str, after: str | None
) -> AsyncGenerator[Message, None]:
    """Long poll, after a snapshot where there is no cursor."""
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


WAYS: dict[str, Way] = {
    "socket.io over websocket": by_websocket,
    "socket.io over polling": by_polling,
    "server-sent events": by_events,
    "plain websocket": by_plain_socket,
    "long poll": by_long_poll,
}
