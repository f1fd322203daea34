"""`/calendars/{id}.ics`: a calendar as an iCalendar feed, written once until the calendar changes."""

from __future__ import annotations

from email.utils import formatdate
from hashlib import blake2b
from typing import NamedTuple

from aiohttp import web

from models.contract.changes import Info
from models.contract.time import DAY, SECOND, Clock
from realtime.async_service import AsyncService
from realtime.http.api import calendar_of
from realtime.http.middleware import RequestGuard
from realtime.ical.icalendar import write_calendar
from realtime.reads.byte_cache import ByteCache
from realtime.reads.read_queue import Lane

BEFORE = 30 * DAY
AFTER = 366 * DAY
MOST_SLOTS = 20_000
KEPT_BYTES = 32_000_000
FORM = 1  # raise it with every change of the format


class _Feed(NamedTuple):
    """An encoded feed. `modified_at` is the second of its last change, where that is known."""

    info: Info
    etag: str
    modified_at: int | None
    body: bytes


class Feeds:
    """The handler. It compares ETags by the calendar's row alone, and writes a feed once a change."""

    def __init__(self, guard: RequestGuard, service: AsyncService, clock: Clock) -> None:
        self._guard = guard
        self._service = service
        self._clock = clock
        self._kept: ByteCache[_Feed] = ByteCache(KEPT_BYTES)

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/calendars/{id}.ics", self.feed)]

    async def feed(self, request: web.Request) -> web.Response:
        """Answer free and busy times, from a month ago to a year ahead, in whole days of UTC."""
        self._guard.count(request)
        principal = self._guard.follower(request).principal
        calendar, today = calendar_of(request), self._clock() // DAY * DAY
        head = await self._service.read(self._service.sync.head, calendar, lane=Lane.LIGHT)
        if not principal.may_view(head.info):
            raise principal.refusal()
        etag = _etag(head.cursor, today)
        if_none_match = request.headers.get("If-None-Match", "")
        if etag in if_none_match or if_none_match.strip() == "*":
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
        if not if_none_match and _is_unmodified(request, feed.modified_at):
            return web.Response(status=304, headers=headers)
        return web.Response(body=feed.body, content_type="text/calendar", charset="utf-8", headers=headers)

    def _write(self, calendar: str, today: int) -> _Feed:
        """Read the calendar and write its feed, on a reader's thread."""
        found = self._service.sync.feed(calendar, today - BEFORE, today + AFTER, most=MOST_SLOTS)
        body = write_calendar(found.info, found.slots, found.changed_at)
        modified_at = max(-(-found.changed_at // SECOND), today // SECOND) if found.is_dated else None
        if modified_at is not None and modified_at > self._clock() // SECOND:
            modified_at = None  # it may change again within the same second
        return _Feed(found.info, _etag(found.cursor, today), modified_at, body)


def _etag(cursor: str, today: int) -> str:
    """Return the name of a feed's content: the calendar at its cursor, in the days around today."""
    return blake2b(f"{FORM} {cursor} {today}".encode(), digest_size=12).hexdigest()


def _headers(etag: str, modified_at: int | None) -> dict[str, str]:
    headers = {"ETag": f'"{etag}"', "Cache-Control": "private, no-cache"}
    if modified_at is not None:
        headers["Last-Modified"] = formatdate(modified_at, usegmt=True)
    return headers


def _is_unmodified(request: web.Request, modified_at: int | None) -> bool:
    since = request.if_modified_since
    return modified_at is not None and since is not None and since.timestamp() >= modified_at
