"""`/calendars/{id}.ics`: a calendar as an iCalendar feed, made once for as long as nothing in it changes."""

from __future__ import annotations

from email.utils import formatdate
from hashlib import blake2b
from typing import NamedTuple

from aiohttp import web

from models.contract.changes import Info
from models.contract.time import DAY, SECOND, Clock
from realtime.async_service import AsyncService
from realtime.byte_cache import ByteCache
from realtime.http.api import calendar_of
from realtime.http.middleware import RequestGuard
from realtime.ical.icalendar import write_calendar
from realtime.read_queue import Lane

BEFORE = 30 * DAY
AFTER = 366 * DAY
MOST_SLOTS = 20_000
KEPT_BYTES = 32_000_000
FORM = 1  # raise it with every change of how a feed is written


class _Feed(NamedTuple):
    """A feed as it is sent; `modified_at` is the second from which on it has looked like this, where that is known."""

    info: Info
    etag: str
    modified_at: int | None
    body: bytes


class Feeds:
    """The handler. Whether a client has the feed is known from the calendar's row; one is written per change."""

    def __init__(self, guard: RequestGuard, service: AsyncService, clock: Clock) -> None:
        self._guard = guard
        self._service = service
        self._clock = clock
        self._kept: ByteCache[_Feed] = ByteCache(KEPT_BYTES)

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/calendars/{id}.ics", self.feed)]

    async def feed(self, request: web.Request) -> web.Response:
        """Free and busy, from a month ago to a year ahead, whole days of UTC."""
        self._guard.count(request)
        principal = self._guard.follower(request).principal
        calendar, today = calendar_of(request), self._clock() // DAY * DAY
        head = await self._service.read(self._service.sync.head, calendar, lane=Lane.LIGHT)
        if not principal.may_view(head.info):
            raise principal.refusal()
        etag = _etag(head.cursor, today)
        asked = request.headers.get("If-None-Match", "")
        if etag in asked or asked.strip() == "*":
            return web.Response(status=304, headers=_headers(etag, None))
        feed = self._kept.get(calendar)
        if feed is None or feed.etag != etag:
            feed = await self._service.read(
                self._write, calendar, today, lane=Lane.HEAVY, key=("feed", calendar, today)
            )
            self._kept.put(calendar, feed, len(feed.body))
            if not principal.may_view(feed.info):
                raise principal.refusal()
        headers = _headers(feed.etag, feed.modified_at)
        if not asked and _is_unmodified(request, feed.modified_at):
            return web.Response(status=304, headers=headers)
        return web.Response(body=feed.body, content_type="text/calendar", charset="utf-8", headers=headers)

    def _write(self, calendar: str, today: int) -> _Feed:
        """Reads and writes the feed; on a reader's thread."""
        found = self._service.sync.feed(calendar, today - BEFORE, today + AFTER, most=MOST_SLOTS)
        body = write_calendar(found.info, found.slots, found.changed_at)
        modified_at = max(-(-found.changed_at // SECOND), today // SECOND) if found.is_dated else None
        if modified_at is not None and modified_at > self._clock() // SECOND:
            modified_at = None  # it may change again within the same second
        return _Feed(found.info, _etag(found.cursor, today), modified_at, body)


def _etag(cursor: str, today: int) -> str:
    """Name what is in a feed: what the calendar is at its cursor, within the days around today."""
    return blake2b(f"{FORM} {cursor} {today}".encode(), digest_size=12).hexdigest()


def _headers(etag: str, modified_at: int | None) -> dict[str, str]:
    headers = {"ETag": f'"{etag}"', "Cache-Control": "private, no-cache"}
    if modified_at is not None:
        headers["Last-Modified"] = formatdate(modified_at, usegmt=True)
    return headers


def _is_unmodified(request: web.Request, modified_at: int | None) -> bool:
    since = request.if_modified_since
    return modified_at is not None and since is not None and since.timestamp() >= modified_at
