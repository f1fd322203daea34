"""`/calendars/{id}.ics`: a calendar as an iCalendar feed, written once until the calendar changes."""

from __future__ import annotations

import gzip
from email.utils import formatdate
from hashlib import blake2b
from typing import NamedTuple

from aiohttp import web

from models.contract.changes import Cursor, Info, read_cursor
from models.contract.commands.background import RaiseFeedFloor
from models.contract.commands.bookings import GetBooking
from models.contract.commands.command import WithToken
from models.contract.errors import BadRequest
from models.contract.principal import Principal
from models.contract.values.time import DAY, SECOND, Clock
from models.service import FeedHead
from realtime import protocol
from realtime.access.visibility import hiding
from realtime.async_service import AsyncService
from realtime.http.api import calendar_of
from realtime.http.compression import takes_gzip
from realtime.http.middleware import RequestGuard
from realtime.http.query import read_switch
from realtime.http.routes import BOOKING_TOKEN
from realtime.ical.booking import file_name, write_booking, write_staff_feed
from realtime.ical.icalendar import MOST_BYTES, merged, write_calendar
from realtime.reads.byte_cache import ByteCache
from realtime.reads.read_queue import Lane

BEFORE = 30 * DAY
AFTER = 366 * DAY
LONGEST_FEED = 3_660 * DAY
MOST_SLOTS = 20_000
MOST_BOOKINGS = 5_000
MOST_KEY_CHARACTERS = 100
WHOLE_BYTES = 16_000_000  # more than MOST_SLOTS take
KEPT_BYTES = 32_000_000
PUBLIC_SECONDS = 60  # in a cache
NEVER = 1 << 62
FORM = 4  # raise it with every change of the format
CUT = "X-Feed-Cut"  # a header that names the omitted slots


class Wanted(NamedTuple):
    """The part of a calendar that a client asks for. The default window moves with the days."""

    begin: int
    finish: int
    is_merged: bool
    is_whole: bool
    scope: str = "slots"


class _Feed(NamedTuple):
    """An encoded feed. `modified_at` is the second of its last change, where that is known.

    It is current for one `state` of the calendar, until the clock opens or ends the next slot.
    """

    info: Info
    state: str
    until: int
    etag: str
    modified_at: int | None
    cut: str
    body: bytes
    zipped: bytes


class Feeds:
    """The handler. It compares the calendar's row first, and writes a feed once a change."""

    def __init__(self, guard: RequestGuard, service: AsyncService, clock: Clock) -> None:
        self._guard = guard
        self._service = service
        self._clock = clock
        self._kept: ByteCache[_Feed] = ByteCache(KEPT_BYTES)
        self._served: dict[str, Cursor] = {}

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/calendars/{id}.ics", self.feed), web.get("/api/bookings/{id}.ics", self.booking)]

    async def feed(self, request: web.Request) -> web.Response:
        """Answer free and busy times, by default from a month ago to a year ahead, in whole days of UTC."""
        self._guard.count(request)
        calendar, today = calendar_of(request), self._clock() // DAY * DAY
        wanted = read_wanted(request, today)
        if "key" in request.query:
            return await self._private(request, calendar, today, wanted)
        principal = (await self._guard.follower(request)).principal
        with hiding(calendar, principal):
            head = await self._head(calendar)
        if not principal.may_view(head.info):
            raise principal.refusal()
        return await self._answer(request, head, today, wanted, principal)

    async def _private(self, request: web.Request, calendar: str, today: int, wanted: Wanted) -> web.Response:
        """Answer the feed of the query's key. A wrong key and an unknown calendar are the same."""
        key = request.query["key"][:MOST_KEY_CHARACTERS]
        scope = await self._service.read(self._service.sync.feed_scope, calendar, key, lane=Lane.LIGHT)
        head = await self._head(calendar)
        return await self._answer(request, head, today, wanted._replace(scope=scope), None)

    async def booking(self, request: web.Request) -> web.Response:
        """Answer the file of one booking, to its holder and to staff. Its token comes in a header."""
        principal = self._guard.principal(request)
        token = request.headers.get(BOOKING_TOKEN, "")
        asked = protocol.read(GetBooking, {"booking": request.match_info["id"], "token": token})
        found = await self._service.read(
            self._service.sync.booking_event,
            WithToken(principal=principal, booking=asked.booking, token=asked.token),
            lane=Lane.LIGHT,
        )
        headers = {
            "Cache-Control": "private, no-cache",
            "Content-Disposition": f'attachment; filename="{file_name(found.info)}"',
        }
        return web.Response(
            body=write_booking(found, f"{self._guard.origin_of(request)}/c/{found.info.id}").encode(),
            content_type="text/calendar",
            charset="utf-8",
            headers=headers,
        )

    async def _answer(
        self, request: web.Request, head: FeedHead, today: int, wanted: Wanted, principal: Principal | None
    ) -> web.Response:
        """Answer a feed after the check of rights. A request with a key has no principal."""
        calendar = head.info.id
        state = _state(head, today, wanted)
        is_shared = principal is not None and head.info.visibility == "public" and not principal.subject
        if_none_match = request.headers.get("If-None-Match", "")
        if if_none_match.strip() == "*":
            return web.Response(status=304, headers=_headers("", None, is_shared=is_shared))
        name = f"{calendar} {wanted}"
        feed = self._kept.get(name)
        if feed is None or feed.state != state or self._clock() >= feed.until:
            feed = await self._service.read(
                self._write, calendar, today, wanted, lane=Lane.HEAVY, key=("feed", calendar, today, wanted)
            )
            self._kept.put(name, feed, len(feed.body) + len(feed.zipped))
            if principal is not None and not principal.may_view(feed.info):
                raise principal.refusal()
        if feed.etag in if_none_match:
            return web.Response(status=304, headers=_headers(feed.etag, None, is_shared=is_shared))
        headers = _headers(feed.etag, feed.modified_at, is_shared=is_shared)
        if not if_none_match and _is_unmodified(request, feed.modified_at):
            return web.Response(status=304, headers=headers)
        return _respond(request, feed, headers)

    async def _head(self, calendar: str) -> FeedHead:
        """Return the calendar's head. If its history was replaced since the last feed, raise every SEQUENCE first."""
        read, served = self._service.sync.feed_head, self._served.get(calendar)
        head, is_continued = await self._service.read(read, calendar, served, lane=Lane.LIGHT)
        if not is_continued:
            await self._service.run(RaiseFeedFloor(calendar=calendar))
            head, _ = await self._service.read(read, calendar, None, lane=Lane.LIGHT)
        self._served[calendar] = read_cursor(head.cursor)
        return head

    def _write(self, calendar: str, today: int, wanted: Wanted) -> _Feed:
        """Read the calendar and write its feed, on a reader's thread."""
        if wanted.scope == "bookings":
            return self._write_bookings(calendar, today, wanted)
        found = self._service.sync.feed(calendar, wanted.begin, wanted.finish, most=MOST_SLOTS)
        slots = merged(found.slots, found.slots_changed_at) if wanted.is_merged else found.slots
        changed_at = max(found.changed_at, found.slots_changed_at)
        most = WHOLE_BYTES if wanted.is_whole else MOST_BYTES
        written = write_calendar(found.info, slots, changed_at, floor=found.floor, most_bytes=most)
        latest = max(found.changed_at, found.floor, found.since)
        modified_at = max(-(-latest // SECOND), today // SECOND) if found.is_dated else None
        if modified_at is not None and modified_at > self._clock() // SECOND:
            modified_at = None  # it may change again within the same second
        body = written.text.encode()
        state = _state(FeedHead(found.info, found.cursor, found.floor), today, wanted)
        zipped = gzip.compress(body, 6, mtime=0)
        return _Feed(
            found.info, state, found.until, f"{state}-{found.since:013x}", modified_at, written.cut, body, zipped
        )

    def _write_bookings(self, calendar: str, today: int, wanted: Wanted) -> _Feed:
        """Do the same for a staff feed. The head is read first, so a later change has another ETag."""
        head, _ = self._service.sync.feed_head(calendar, None)
        found = self._service.sync.booking_feed(calendar, wanted.begin, wanted.finish, most=MOST_BOOKINGS)
        written = write_staff_feed(found)
        body, state = written.text.encode(), _state(head, today, wanted)
        return _Feed(found.info, state, NEVER, state, None, written.cut, body, gzip.compress(body, 6, mtime=0))


def read_wanted(request: web.Request, today: int) -> Wanted:
    """Read the query; BadRequest names a bad field."""
    query = request.query
    begin = protocol.read_moment(query["from"], "from") if "from" in query else today - BEFORE
    finish = protocol.read_moment(query["to"], "to") if "to" in query else max(today, begin) + AFTER
    if finish <= begin:
        raise BadRequest("`to` is after `from`.", field="to")
    if finish - begin > LONGEST_FEED:
        raise BadRequest("`from` and `to` are ten years apart at most.", field="to")
    is_merged, is_whole = (read_switch(query.get(name, ""), name) for name in ("merge", "whole"))
    return Wanted(begin, finish, is_merged, is_whole)


def _respond(request: web.Request, feed: _Feed, headers: dict[str, str]) -> web.Response:
    """Return the feed, compressed for a client with gzip."""
    body = feed.body
    if feed.cut:
        headers[CUT] = feed.cut
    if takes_gzip(request):
        body, headers["Content-Encoding"] = feed.zipped, "gzip"
        headers["ETag"] = f'"{feed.etag}-gzip"'  # another encoding is another representation (RFC 9110, 8.8.3)
    return web.Response(body=body, content_type="text/calendar", charset="utf-8", headers=headers)


def _state(head: FeedHead, today: int, wanted: Wanted) -> str:
    """Return the name of a feed's content but for the clock: the calendar at its cursor, in the days around today."""
    told = f"{FORM} {head.cursor} {head.floor} {today} {wanted}"
    return blake2b(told.encode(), digest_size=12).hexdigest()


def _headers(etag: str, modified_at: int | None, *, is_shared: bool) -> dict[str, str]:
    caching = f"public, max-age={PUBLIC_SECONDS}" if is_shared else "private, no-cache"
    headers = {"Cache-Control": caching, "Vary": "Accept-Encoding, Authorization, Origin"}
    if etag:
        headers["ETag"] = f'"{etag}"'
    if modified_at is not None:
        headers["Last-Modified"] = formatdate(modified_at, usegmt=True)
    return headers


def _is_unmodified(request: web.Request, modified_at: int | None) -> bool:
    since = request.if_modified_since
    return modified_at is not None and since is not None and since.timestamp() >= modified_at
