"""The handlers of `/api`: the path gives a request its id, and headers give it its key and version."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from models.contract.changes import encode
from models.contract.commands.blocks import ListBlocks
from models.contract.commands.bookings import (
    CancelBookings,
    EraseCustomers,
    ExportCustomer,
    GetBooking,
    ListBookings,
)
from models.contract.commands.calendars import GetSchedule, ListBusy, ListFeeds, ListHistory, MakeLink, Unsubscribe
from models.contract.commands.server import ReadServer
from models.contract.commands.slots import FindSlots
from models.contract.errors import BadRequest
from models.contract.principal import Role
from models.contract.request import Request
from models.service import is_bookable
from realtime import protocol
from realtime.http.middleware import RequestGuard
from realtime.http.query import PREVIEW, read_number, read_switch
from realtime.http.routes import BOOKING_TOKEN, COMMANDS, CommandRoute
from realtime.requests.etag import Tagged
from realtime.requests.request_handler import RequestHandler
from realtime.requests.snapshot_read import SnapshotReader

_VERSION = re.compile(r'(?:W/)?"?(\d{1,16})"?', re.ASCII)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Api:
    """The handlers. An application adds `routes`."""

    def __init__(self, guard: RequestGuard, request_handler: RequestHandler, snapshots: SnapshotReader) -> None:
        self._guard = guard
        self._request_handler = request_handler
        self._snapshots = snapshots

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/calendars", self.calendars),
            web.get("/api/calendars/{id}", self.calendar),
            web.get("/api/calendars/{id}/slots", self.slots),
            web.get("/api/calendars/{id}/bookings", self.bookings),
            web.get("/api/calendars/{id}/schedule", self.schedule),
            web.get("/api/calendars/{id}/busy", self.busy),
            web.get("/api/calendars/{id}/feeds", self.feeds),
            web.get("/api/calendars/{id}/history", self.history),
            web.post("/api/calendars/{id}/links", self.link),
            web.get("/api/server", self.server),
            web.get("/api/blocks", self.blocks),
            web.get("/api/bookings", self.search),
            web.get("/api/slots", self.found_slots),
            web.post("/api/customers/erase", self.erase),
            web.post("/api/customers/export", self.export),
            web.post("/api/bookings/cancel", self.cancel_all),
            web.get("/api/slots/{id}/explain", self.explanation),
            web.get("/api/bookings/{id}", self.booking),
            *(web.route(route.method, route.path, self._command(route)) for route in COMMANDS),
        ]

    def _command(self, route: CommandRoute) -> Handler:
        async def run(request: web.Request) -> web.Response:
            received = self._request_handler.clock()
            principal = self._guard.principal(request)
            fields = await self._guard.body(request)
            if route.subject:
                _put(fields, route.subject, request.match_info["id"])
            if PREVIEW in request.query:
                _put(fields, PREVIEW, read_switch(request.query[PREVIEW], PREVIEW))
            if "Idempotency-Key" in request.headers:
                _put(fields, "key", request.headers["Idempotency-Key"])
            if request.headers.get("If-Match", "*").strip() != "*":  # `*`: whatever version it has
                _put(fields, "if_version", read_version(request.headers["If-Match"]))
            command = protocol.read(route.command, fields)
            if command.is_claim and principal.highest_role < Role.STAFF:
                await self._request_handler.admit(self._guard.turn(request))
            answer = await self._request_handler.do(command, principal, received)
            body = protocol.write_answer(answer, head=b"{")
            return web.Response(status=route.status, body=body, content_type="application/json")

        return run

    async def calendars(self, request: web.Request) -> web.Response:
        principal = self._guard.principal(request)
        with_archived = read_switch(request.query.get("archived", "0"), "archived")
        infos = await self._request_handler.calendars(principal, with_archived=with_archived)
        return _json({"calendars": infos})

    async def calendar(self, request: web.Request) -> web.Response:
        info = await self._request_handler.calendar(calendar_of(request), self._guard.principal(request))
        return _json({"info": info})

    async def slots(self, request: web.Request) -> web.Response:
        """Answer a snapshot of a window. Its ETag names the content, not the time of the request."""
        principal = self._guard.principal(request)
        query = request.query
        asked = self._snapshots.asked(query.get("from"), query.get("to"), query.get("after"))
        has = request.headers.get("If-None-Match", "")
        return _tagged(await self._snapshots.read(calendar_of(request), principal, asked, has))

    async def bookings(self, request: web.Request) -> web.Response:
        principal = self._guard.principal(request)
        fields = {**request.query, "calendar": request.match_info["id"]}
        asked = protocol.read(ListBookings, fields, is_text=True)
        return _json(await self._request_handler.read(asked, principal))

    async def search(self, request: web.Request) -> web.Response:
        """Answer the bookings that a search finds, in the query's calendar or in all. For staff."""
        principal = self._guard.principal(request)
        asked = protocol.read(ListBookings, dict(request.query), is_text=True)
        return _json(await self._request_handler.read(asked, principal))

    async def found_slots(self, request: web.Request) -> web.Response:
        """Answer the slots of the query's calendars. The ETag names the content, not the time of the request."""
        principal = self._guard.principal(request)
        fields: dict[str, Any] = dict(request.query)
        if "calendars" in fields:
            fields["calendars"] = fields["calendars"].split(",")
        asked = protocol.read(FindSlots, fields, is_text=True)
        has = request.headers.get("If-None-Match", "")
        return _tagged(await self._request_handler.find_slots(asked, principal, has))

    async def erase(self, request: web.Request) -> web.Response:
        """Erase every booking's customer with the body's e-mail address. For staff."""
        principal = self._guard.principal(request)
        asked = protocol.read(EraseCustomers, await self._guard.body(request))
        return _json(await self._request_handler.read(asked, principal))

    async def export(self, request: web.Request) -> web.Response:
        """Answer all data about a person with the body's e-mail address, so that no URL has it. For staff."""
        principal = self._guard.principal(request)
        asked = protocol.read(ExportCustomer, await self._guard.body(request))
        return _json(await self._request_handler.read(asked, principal))

    async def cancel_all(self, request: web.Request) -> web.Response:
        """Cancel the bookings of the body's customer. For staff."""
        principal = self._guard.principal(request)
        asked = protocol.read(CancelBookings, await self._guard.body(request))
        return _json(await self._request_handler.read(asked, principal))

    async def blocks(self, request: web.Request) -> web.Response:
        """Answer the blocks of the query's calendar, or of all calendars of the caller. For staff."""
        principal = self._guard.principal(request)
        asked = protocol.read(ListBlocks, dict(request.query), is_text=True)
        return _json(await self._request_handler.read(asked, principal))

    async def server(self, request: web.Request) -> web.Response:
        """Answer the figures of the server. For owners of all calendars."""
        return _json(await self._request_handler.read(protocol.read(ReadServer, {}), self._guard.principal(request)))

    async def schedule(self, request: web.Request) -> web.Response:
        """Answer the opening hours of a calendar as they were set, or null. For staff."""
        return await self._of_calendar(GetSchedule, request)

    async def link(self, request: web.Request) -> web.Response:
        """Answer a token for a link to a calendar. For staff. The token is never logged or stored."""
        principal = self._guard.principal(request)
        fields = await self._guard.body(request)
        _put(fields, "calendar", request.match_info["id"])
        return _json(await self._request_handler.read(protocol.read(MakeLink, fields), principal), status=201)

    async def feeds(self, request: web.Request) -> web.Response:
        """Answer the private feeds of a calendar, without their keys. For staff."""
        return await self._of_calendar(ListFeeds, request)

    async def busy(self, request: web.Request) -> web.Response:
        """Answer the sources of a calendar's busy times. For staff."""
        return await self._of_calendar(ListBusy, request)

    async def _of_calendar(self, kind: type[Request], request: web.Request) -> web.Response:
        """Answer a read about the path's calendar without further fields."""
        asked = protocol.read(kind, {"calendar": request.match_info["id"]})
        return _json(await self._request_handler.read(asked, self._guard.principal(request)))

    async def history(self, request: web.Request) -> web.Response:
        """Answer who changed what in a calendar, newest first. For staff."""
        query = request.query
        fields: dict[str, Any] = {name: query[name] for name in ("slot", "booking") if name in query}
        fields |= {name: read_number(query[name], name) for name in ("before", "limit") if name in query}
        asked = protocol.read(ListHistory, {**fields, "calendar": request.match_info["id"]})
        return _json(await self._request_handler.read(asked, self._guard.principal(request)))

    async def explanation(self, request: web.Request) -> web.Response:
        """Answer the verdict of each rule on a booking of the slot by the caller."""
        rules = await self._request_handler.explain(request.match_info["id"], self._guard.principal(request))
        return _json({"bookable": is_bookable(rules), "rules": rules})

    async def booking(self, request: web.Request) -> web.Response:
        """Answer a booking. Its token comes in a header, because URLs end up in logs and histories."""
        principal = self._guard.principal(request)
        token = request.headers.get(BOOKING_TOKEN, "")
        asked = protocol.read(GetBooking, {"booking": request.match_info["id"], "token": token})
        return _json(await self._request_handler.read(asked, principal))


def _put(fields: dict[str, Any], name: str, value: Any) -> None:
    """Set a field from the path or a header; BadRequest for a different value in the body."""
    if fields.setdefault(name, value) != value:
        raise BadRequest(f"The body's `{name}` is not the one of the request.", field=name)


def calendar_of(request: web.Request) -> str:
    """Return the path's calendar; BadRequest if it can't be the id of one."""
    return protocol.read(Unsubscribe, {"calendar": request.match_info["id"]}).calendar


def _json(thing: Any, status: int = 200) -> web.Response:
    headers = {"Cache-Control": "private, no-cache"}
    return web.Response(status=status, body=encode(thing), content_type="application/json", headers=headers)


def _tagged(answer: Tagged) -> web.Response:
    """Return an answer with its ETag, or 304 to a client with the same one."""
    headers = {"Cache-Control": "private, no-cache", "ETag": f'"{answer.etag}"'}
    if answer.body is None:
        return web.Response(status=304, headers=headers)
    return web.Response(body=b"{" + answer.body, content_type="application/json", headers=headers)


def read_version(text: str) -> int:
    """Read the version of an `If-Match` header, a slot's version in quotes."""
    match = _VERSION.fullmatch(text.strip())
    if match is None:
        raise BadRequest('`If-Match` is a slot\'s version, like "42".', field="If-Match")
    return int(match[1])
