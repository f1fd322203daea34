"""One way to ask a real server for anything, over Socket.IO or over HTTP, each answer held to its schema."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import aiohttp
import socketio

from models.contract.changes import Change
from models.contract.requests import EVERY_REQUEST
from realtime import answers
from realtime.http.routes import READS
from tests.docs.closed import faults
from tests.support.route import SOCKET_ONLY, route

Json = dict[str, Any]


class Sockets:
    """Guests on /calendars, staff on /staff, and every change sent to them."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = url, token
        self._guest, self._staff = socketio.AsyncClient(), socketio.AsyncClient()
        self.changes: list[Json] = []
        self.staff_changes: list[Json] = []

    async def __aenter__(self) -> Self:
        self._guest.on("*", lambda _type, change: self.changes.append(change), namespace="/calendars")
        self._staff.on("*", lambda _type, change: self.staff_changes.append(change), namespace="/staff")
        await self._guest.connect(self._url, namespaces=["/calendars"])
        await self._staff.connect(self._url, namespaces=["/staff"], auth={"token": self._token})
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._guest.disconnect()
        await self._staff.disconnect()
        for change in self.changes:
            assert faults(change, Change) == []
        for change in self.staff_changes:
            assert faults(change, answers.StaffChange) == []

    async def ask(self, name: str, /, *, is_staff: bool = False, **fields: Any) -> Json:
        """Return the answer to a request; a refusal fails the test."""
        client, namespace = (self._staff, "/staff") if is_staff else (self._guest, "/calendars")
        ack: Json = await client.call(name, fields, namespace=namespace, timeout=10)
        assert ack.pop("ok") is True, ack
        assert faults(ack, *EVERY_REQUEST[name].wire.answers) == [], name
        return ack

    async def refused(self, name: str, /, **fields: Any) -> str:
        """Return the code of a refusal."""
        ack: Json = await self._guest.call(name, fields, namespace="/calendars", timeout=10)
        assert ack.pop("ok") is False, ack
        assert faults(ack["error"], answers.Error) == []
        return str(ack["error"]["code"])


_SHAPES = {read.path: read.shape for read in READS if read.method == "GET"}
_SHAPE_OF = {read.request.wire.name: read.shape for read in READS if read.request is not None}


class Http:
    """The same requests by their routes. Requests of Socket.IO only are passed over."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = url, token

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(self._url)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._session.close()

    async def ask(self, name: str, /, *, is_staff: bool = False, **fields: Any) -> Json:
        """Return the answer to a request; a refusal fails the test."""
        if name in SOCKET_ONLY:
            return {}
        status, body = await self._answer(name, is_staff=is_staff, **fields)
        assert status < 300, body
        shape = _SHAPE_OF.get(name)
        assert faults(body, *((shape,) if shape else EVERY_REQUEST[name].wire.answers)) == [], name
        return body

    async def read(self, path: str, *, is_staff: bool = False) -> Json:
        """Return the answer of a route without a Socket.IO request; `path` is the route's, and then an id."""
        route, _, subject = path.partition(" ")
        headers = {"Authorization": f"Bearer {self._token}"} if is_staff else {}
        async with self._session.get(route.replace("{id}", subject), headers=headers) as response:
            body: Json = await response.json(content_type=None)
        shape = _SHAPES[route]
        assert shape is not None
        assert faults(body, shape) == [], route
        return body

    async def refused(self, name: str, /, **fields: Any) -> str:
        """Return the code of a refusal."""
        status, body = await self._answer(name, is_staff=False, **fields)
        assert faults(body, answers.Problem) == []
        assert body["status"] == status
        return str(body["code"])

    async def _answer(self, name: str, /, *, is_staff: bool, **fields: Any) -> tuple[int, Json]:
        method, path, headers, body = route(name, fields)
        if is_staff:
            headers["Authorization"] = f"Bearer {self._token}"
        if body is not None and "key" in body:
            headers["Idempotency-Key"] = body.pop("key")
        async with self._session.request(method, path, json=body, headers=headers) as response:
            return response.status, await response.json(content_type=None)
