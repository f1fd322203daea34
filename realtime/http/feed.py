"""`/calendars/{id}.ics`: a calendar as an iCalendar feed, made once for as long as nothing in it changes."""

from __future__ import annotations

from collections import OrderedDict
from hashlib import blake2b

from aiohttp import web

from models.change import encode
from models.clock import DAY, Clock
from realtime.door import Door
from realtime.http.api import calendar_of
from realtime.http.gate import Gate
from realtime.http.ical import write_calendar

BEFORE = 30 * DAY
AFTER = 366 * DAY
MOST_SLOTS = 20_000
_MOST_KEPT = 64


class Feeds:
    """The handler; whole feeds are kept by what is in them, as one takes 8 us a slot to write."""

    def __init__(self, gate: Gate, door: Door, clock: Clock) -> None:
        self._gate = gate
        self._door = door
        self._clock = clock
        self._kept: OrderedDict[str, bytes] = OrderedDict()

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/calendars/{id}.ics", self.feed)]

    async def feed(self, request: web.Request) -> web.Response:
        """Free and busy, from a month ago to a year ahead, whole days of UTC."""
        self._gate.count(request)
        asker = self._gate.follower(request).asker
        today = self._clock() // DAY * DAY
        feed = await self._door.read(
            self._door.book.feed, calendar_of(request), today - BEFORE, today + AFTER, most=MOST_SLOTS
        )
        if not asker.may_view(feed.info):
            raise asker.refusal()
        mark = blake2b(encode([feed.info, feed.changed_at, feed.slots]), digest_size=12).hexdigest()
        headers = {"ETag": f'"{mark}"', "Cache-Control": "private, no-cache"}
        asked = request.headers.get("If-None-Match", "")
        if mark in asked or asked.strip() == "*":
            return web.Response(status=304, headers=headers)
        body = self._kept.get(mark)
        if body is None:
            body = await self._door.read(write_calendar, feed.info, feed.slots, feed.changed_at)
            self._kept[mark] = body
            if len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return web.Response(body=body, content_type="text/calendar", charset="utf-8", headers=headers)
