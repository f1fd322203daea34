"""The routes of `/api`: each names a request of the wire, and the path gives the id that the request is about."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from models.contract.changes import encode
from models.contract.errors import BadRequest
from models.service import is_bookable
from realtime import protocol
from realtime.http.middleware import RequestGuard
from realtime.request_handler import RequestHandler
from realtime.rooms.recovery import Recovery

BOOKING_TOKEN = "Booking-Token"  # noqa: S105 - a header's name
_VERSION = re.compile(r'(?:W/)?"?(\d{1,16})"?', re.ASCII)
_CREATED = 201

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

# Method, path, request, status. The path's `id` becomes the field after the colon.
MUTATIONS: tuple[tuple[str, str, str, str, int], ...] = (
    ("POST", "/api/calendars", "calendar.create", "", _CREATED),
    ("PATCH", "/api/calendars/{id}", "calendar.update", "id", 200),
    ("DELETE", "/api/calendars/{id}", "calendar.archive", "id", 200),
    ("PUT", "/api/calendars/{id}/schedule", "schedule.set", "calendar", 200),
    ("POST", "/api/calendars/{id}/slots", "slot.open", "calendar", _CREATED),
    ("PATCH", "/api/slots/{id}", "slot.update", "slot", 200),
    ("DELETE", "/api/slots/{id}", "slot.remove", "slot", 200),
    ("POST", "/api/slots/{id}/close", "slot.close", "slot", 200),
    ("POST", "/api/slots/{id}/reopen", "slot.reopen", "slot", 200),
    ("POST", "/api/slots/{id}/holds", "slot.hold", "slot", _CREATED),
    ("POST", "/api/holds/{id}/extend", "hold.extend", "hold", 200),
    ("POST", "/api/holds/{id}/release", "hold.release", "hold", 200),
    ("POST", "/api/slots/{id}/bookings", "slot.book", "slot", _CREATED),
    ("POST", "/api/bookings/{id}/cancel", "booking.cancel", "booking", 200),
    ("POST", "/api/bookings/{id}/reschedule", "booking.reschedule", "booking", 200),
    ("POST", "/api/bookings/{id}/confirm", "booking.confirm", "booking", 200),
    ("POST", "/api/bookings/{id}/reject", "booking.reject", "booking", 200),
    ("POST", "/api/bookings/{id}/no-show", "booking.no_show", "booking", 200),
    ("POST", "/api/bookings/{id}/reinstate", "booking.reinstate", "booking", 200),
    ("POST", "/api/bookings/{id}/erase", "booking.erase", "booking", 200),
)


class Api:
    """The handlers; `routes` is what an application adds."""

    def __init__(self, guard: RequestGuard, request_handler: RequestHandler, recovery: Recovery) -> None:
        self._guard = guard
        self._request_handler = request_handler
        self._recovery = recovery

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/calendars", self.calendars),
            web.get("/api/calendars/{id}", self.calendar),
            web.get("/api/calendars/{id}/slots", self.slots),
            web.get("/api/calendars/{id}/bookings", self.bookings),
            web.get("/api/calendars/{id}/schedule", self.schedule),
            web.post("/api/calendars/{id}/links", self.link),
            web.get("/api/slots/{id}/explain", self.explanation),
            web.get("/api/bookings/{id}", self.booking),
            *(
                web.route(method, path, self._mutation(name, subject, status))
                for method, path, name, subject, status in MUTATIONS
            ),
        ]

    def _mutation(self, name: str, subject: str, status: int) -> Handler:
        async def mutate(request: web.Request) -> web.Response:
            received = self._request_handler.clock()
            principal = self._guard.principal(request)
            fields = await self._guard.body(request)
            if subject:
                _put(fields, subject, request.match_info["id"])
            if "preview" in request.query:
                _put(fields, "preview", request.query["preview"] not in {"", "0"})
            if "Idempotency-Key" in request.headers:
                _put(fields, "key", request.headers["Idempotency-Key"])
            if "If-Match" in request.headers:
                _put(fields, "if_version", read_version(request.headers["If-Match"]))
            asked = protocol.read_request(name, fields)
            if not isinstance(asked, protocol.Mutation):
                raise TypeError(name)
            answer = await self._request_handler.do(asked, principal, received)
            body = protocol.write_answer(answer, head=b"{")
            return web.Response(status=status, body=body, content_type="application/json")

        return mutate

    async def calendars(self, request: web.Request) -> web.Response:
        infos = await self._request_handler.calendars(self._guard.principal(request))
        return _json({"calendars": infos})

    async def calendar(self, request: web.Request) -> web.Response:
        info = await self._request_handler.calendar(calendar_of(request), self._guard.principal(request))
        return _json({"info": info})

    async def slots(self, request: web.Request) -> web.Response:
        """A snapshot of a window. Its ETag names what is in it, not when it was asked for."""
        principal = self._guard.principal(request)
        query = request.query
        wanted = self._recovery.wanted(None, query.get("from"), query.get("to"), query.get("after"))
        has = request.headers.get("If-None-Match", "")
        looked = await self._recovery.look(calendar_of(request), principal, wanted, has)
        headers = {"Cache-Control": "private, no-cache", "ETag": f'"{looked.etag}"'}
        if looked.body is None:
            return web.Response(status=304, headers=headers)
        return web.Response(body=b"{" + looked.body, content_type="application/json", headers=headers)

    async def bookings(self, request: web.Request) -> web.Response:
        principal = self._guard.principal(request)
        fields = {name: request.query[name] for name in ("from", "to", "after") if name in request.query}
        asked = protocol.read_request("booking.list", {**fields, "calendar": request.match_info["id"]})
        assert isinstance(asked, protocol.ListBookings)
        return _json(await self._request_handler.bookings(asked, principal))

    async def schedule(self, request: web.Request) -> web.Response:
        """A calendar's opening hours as they were set, or null. For staff."""
        return _json(
            {"schedule": await self._request_handler.schedule(calendar_of(request), self._guard.principal(request))}
        )

    async def link(self, request: web.Request) -> web.Response:
        """A token for a link to a calendar. For staff; it is answered, never logged or kept."""
        principal = self._guard.principal(request)
        fields = await self._guard.body(request)
        _put(fields, "calendar", request.match_info["id"])
        asked = protocol.read_request("calendar.link", fields)
        assert isinstance(asked, protocol.MakeLink)
        return _json(await self._request_handler.link(asked, principal), status=_CREATED)

    async def explanation(self, request: web.Request) -> web.Response:
        """Why this asker can or can't take the slot, rule by rule."""
        rules = await self._request_handler.explain(request.match_info["id"], self._guard.principal(request))
        return _json({"bookable": is_bookable(rules), "rules": rules})

    async def booking(self, request: web.Request) -> web.Response:
        """The booking's own token comes in a header: a URL ends up in logs and histories."""
        principal = self._guard.principal(request)
        token = request.headers.get(BOOKING_TOKEN, "")
        asked = protocol.read_request("booking.get", {"booking": request.match_info["id"], "token": token})
        assert isinstance(asked, protocol.GetBooking)
        return _json({"booking": await self._request_handler.booking(asked, principal)})


def _put(fields: dict[str, Any], name: str, value: Any) -> None:
    """What the path or a header says; a body that says something else is refused."""
    if fields.setdefault(name, value) != value:
        raise BadRequest(f"The body's `{name}` is not the one of the request.", field=name)


def calendar_of(request: web.Request) -> str:
    """The path's calendar; BadRequest for what can't be one's id."""
    asked = protocol.read_request("calendar.unsubscribe", {"calendar": request.match_info["id"]})
    assert isinstance(asked, protocol.Unsubscribe)
    return asked.calendar


def _json(thing: Any, status: int = 200) -> web.Response:
    headers = {"Cache-Control": "private, no-cache"}
    return web.Response(status=status, body=encode(thing), content_type="application/json", headers=headers)


def read_version(text: str) -> int:
    """The version of an `If-Match` header, which is a slot's version in quotes."""
    match = _VERSION.fullmatch(text.strip())
    if match is None:
        raise BadRequest('`If-Match` is a slot\'s version, like "42".', field="If-Match")
    return int(match[1])
