"""One way to ask a real server for anything, over Socket.IO or over HTTP, each answer held to its schema."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

import aiohttp
import socketio

from models.contract.changes import Change
from models.contract.commands import EVERY_REQUEST
from realtime import answers
from realtime.http.routes import COMMANDS, READS
from tests.docs.closed import faults

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


_READS = {read.request.wire.name: (read.path, read.subject) for read in READS if read.request and read.method == "GET"}
_COMMANDS = {route.command.wire.name: (route.method, route.path, route.subject) for route in COMMANDS}
_SHAPES = {read.path: read.shape for read in READS if read.method == "GET"}


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
        if name in {"calendar.unsubscribe", "auth.refresh"}:
            return {}
        status, told = await self._answer(name, is_staff=is_staff, **fields)
        assert status < 300, told
        shape = _SHAPES[_READS[name][0]] if name in _READS else None
        assert faults(told, *((shape,) if shape else EVERY_REQUEST[name].wire.answers)) == [], name
        return told

    async def read(self, path: str, *, is_staff: bool = False) -> Json:
        """Return the answer of a route without a Socket.IO request; `path` is the route's, and then an id."""
        route, _, subject = path.partition(" ")
        headers = {"Authorization": f"Bearer {self._token}"} if is_staff else {}
        async with self._session.get(route.replace("{id}", subject), headers=headers) as response:
            told: Json = await response.json(content_type=None)
        shape = _SHAPES[route]
        assert shape is not None
        assert faults(told, shape) == [], route
        return told

    async def refused(self, name: str, /, **fields: Any) -> str:
        """Return the code of a refusal."""
        status, told = await self._answer(name, is_staff=False, **fields)
        assert faults(told, answers.Problem) == []
        assert told["status"] == status
        return str(told["code"])

    async def _answer(self, name: str, /, *, is_staff: bool, **fields: Any) -> tuple[int, Json]:
        headers = {"Authorization": f"Bearer {self._token}"} if is_staff else {}
        if name == "calendar.link":
            path = f"/api/calendars/{fields.pop('calendar')}/links"
            asked = self._session.post(path, json=fields, headers=headers)
        elif name in _READS:
            path, subject = _READS[name]
            path = path.replace("{id}", fields.pop(subject))
            if "token" in fields:
                headers["Booking-Token"] = fields["token"]
            asked = self._session.get(path, headers=headers)
        else:
            method, path, subject = _COMMANDS[name]
            if subject:
                path = path.replace("{id}", fields.pop(subject))
            if "key" in fields:
                headers["Idempotency-Key"] = fields.pop("key")
            asked = self._session.request(method, path, json=fields, headers=headers)
        async with asked as response:
            return response.status, await response.json(content_type=None)
