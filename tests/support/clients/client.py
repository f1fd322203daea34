"""python-socketio's own client, and HTTP, as a booking product would use them."""

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any, Self

import aiohttp
import socketio

from tests.support.clients.viewer import Viewer

ANSWER_SECONDS = 15.0
GUESTS = "/calendars"
STAFF = "/staff"


def new_key() -> str:
    """Return a unique key, long enough for a guest."""
    return secrets.token_urlsafe(18)


class Client:
    """One connection to one namespace; it follows its calendars by the whole rule, also after a break."""

    make_viewer: Callable[[], Viewer] = Viewer

    def __init__(
        self,
        url: str,
        *,
        token: str = "",
        namespace: str = GUESTS,
        transports: tuple[str, ...] = ("websocket",),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.viewers: dict[str, Viewer] = {}
        self.changes: list[dict[str, Any]] = []
        self.arrivals: list[float] = []
        self.heard: list[tuple[str, Any]] = []
        self.connects = 0
        self.disconnects = 0
        self.refusal: Any = None
        self.refused: dict[str, str] = {}
        self._url = url
        self._namespace = namespace
        self._token = token
        self._transports = list(transports)
        self._headers = dict(headers or {})
        self._socket = socketio.AsyncClient(
            reconnection_delay=0.05,
            reconnection_delay_max=0.2,
            randomization_factor=0,
            websocket_extra_options={"max_msg_size": 0},
        )
        self._socket.on("connect", self._on_connect, namespace=namespace)
        self._socket.on("disconnect", self._on_disconnect, namespace=namespace)
        self._socket.on("connect_error", self._on_refusal, namespace=namespace)
        self._socket.on("*", self._on_change, namespace=namespace)

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def connect(self) -> None:
        # engineio's own session may be lost, still open, while a reconnect meets the end of the connection before.
        if self._socket.eio.http is None:
            self._socket.eio.http, self._socket.eio.external_http = aiohttp.ClientSession(), True
        await self._socket.connect(
            self._url,
            namespaces=[self._namespace],
            transports=self._transports,
            headers=lambda: dict(self._headers),  # engineio takes the cookie out of it
            auth=lambda: {"token": self._token} if self._token else {},
            wait_timeout=10,
        )

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await asyncio.sleep(0)  # the client can only be stopped once its attempt to reconnect has begun
        await self._socket.shutdown()
        if self._socket.eio.http is not None:
            await self._socket.eio.http.close()

    @property
    def is_connected(self) -> bool:
        return bool(self._socket.connected) and self._namespace in self._socket.namespaces

    def use_token(self, token: str) -> None:
        """The token to show from the next connection on."""
        self._token = token

    async def ask(self, request: str, *arguments: Any, **fields: Any) -> Any:
        """One request and its ack. `arguments` are sent as they are; without them the fields are the argument."""
        return await asyncio.wait_for(self.send(request, *(arguments or (fields,))), ANSWER_SECONDS)

    def send(self, request: str, *arguments: Any) -> "asyncio.Future[Any]":
        """The same, begun at once; the ack is the future's."""
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def take(*values: Any) -> None:
            if not answer.done():
                answer.set_result(values[0] if len(values) == 1 else values)

        sending = asyncio.ensure_future(self._socket.emit(request, arguments, namespace=self._namespace, callback=take))

        def sent(task: "asyncio.Task[None]") -> None:
            if not task.cancelled() and task.exception() is not None and not answer.done():
                answer.set_exception(ConnectionError(str(task.exception())))

        sending.add_done_callback(sent)
        return answer

    async def watch(self, calendar: str, **window: Any) -> Viewer:
        """Subscribes; returns once the answer was applied."""
        viewer = self.viewers[calendar] = self.make_viewer()
        done = self._subscribe(calendar, **window)
        answer = await asyncio.wait_for(done, ANSWER_SECONDS)
        assert answer["ok"], answer
        return viewer

    def _subscribe(self, calendar: str, **fields: Any) -> "asyncio.Future[Any]":
        viewer = self.viewers[calendar]
        if viewer.cursor is not None:
            fields["after"] = viewer.cursor
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        def take(answer: dict[str, Any]) -> None:
            if answer["ok"]:
                viewer.take_answer(answer)
            else:
                self.refused[calendar] = answer["error"]["code"]
            done.set_result(answer)

        fields["calendar"] = calendar
        sending = asyncio.ensure_future(
            self._socket.emit("calendar.subscribe", fields, namespace=self._namespace, callback=take)
        )
        sending.add_done_callback(lambda task: task.cancelled() or task.exception())
        return done

    def _on_connect(self) -> None:
        self.connects += 1
        for calendar in self.viewers:
            self._subscribe(calendar)

    def _on_disconnect(self, *_: Any) -> None:
        self.disconnects += 1

    def _on_refusal(self, data: Any) -> None:
        self.refusal = data

    def _on_change(self, event: str, change: Any) -> None:
        self.heard.append((event, change))
        if not isinstance(change, dict) or "seq" not in change:
            return
        self.changes.append(change)
        self.arrivals.append(time.time())
        viewer = self.viewers.get(change["calendar"])
        if viewer is not None and viewer.cursor is not None and not viewer.take_change(change):
            self._subscribe(change["calendar"])


class Answer:
    """An answer over HTTP."""

    def __init__(self, status: int, headers: Mapping[str, str], raw: bytes) -> None:
        self.status = status
        self.headers = headers
        self.raw = raw

    @property
    def body(self) -> Any:
        return json.loads(self.raw)

    @property
    def code(self) -> str:
        """Return the wire's code, "ok" without a refusal."""
        if self.status < 400:
            return "ok"
        assert self.headers["Content-Type"].startswith("application/problem+json"), (self.status, self.raw[:200])
        problem = self.body
        assert problem["status"] == self.status
        assert problem["title"]
        return str(problem["code"])

    def __repr__(self) -> str:
        return f"<{self.status} {self.raw[:300]!r}>"


class Api:
    """HTTP requests with one token, or none."""

    def __init__(self, url: str, token: str = "", headers: Mapping[str, str] | None = None) -> None:
        self._url = url
        self._token = token
        self._headers = dict(headers or {})
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS))
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._session is not None
        await self._session.close()

    async def ask(
        self,
        method: str,
        path: str,
        fields: Any = None,
        *,
        key: str = "",
        raw: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        assert self._session is not None
        every = self._headers | dict(headers or {})
        if self._token:
            every.setdefault("Authorization", f"Bearer {self._token}")
        if key:
            every["Idempotency-Key"] = key
        if fields is not None:
            raw = json.dumps(fields).encode()
        if raw is not None:
            every.setdefault("Content-Type", "application/json")
        async with self._session.request(
            method, f"{self._url}{path}", data=raw, headers=every, allow_redirects=False
        ) as response:
            return Answer(response.status, response.headers, await response.read())

    async def get(self, path: str, **headers: str) -> Any:
        """Return the body of a successful read."""
        answer = await self.ask("GET", path, headers=headers)
        assert answer.status == 200, answer
        return answer.body

    async def post(self, path: str, **fields: Any) -> Any:
        """Return the body of a successful command; it has a key of its own unless one is given."""
        answer = await self.ask("POST", path, {"key": new_key(), **fields})
        assert answer.status in {200, 201}, answer
        return answer.body

    async def snapshot(self, calendar: str, window: tuple[str, str]) -> Any:
        begin, finish = (text.replace("+", "%2B") for text in window)
        return await self.get(f"/api/calendars/{calendar}/slots?from={begin}&to={finish}")
