"""Finds the slots of several calendars, and keeps each page until one of its calendars or the clock changes it."""

from __future__ import annotations

from typing import NamedTuple

from models.contract.changes import encode
from models.contract.commands.slots import FindSlots
from models.contract.principal import Principal
from models.contract.values.time import SECOND, Clock, write_time
from models.service import Head, SlotSearch
from realtime import protocol
from realtime.async_service import AsyncService
from realtime.reads.byte_cache import ByteCache
from realtime.reads.read_queue import Lane
from realtime.requests.etag import Tagged, etag_of, is_known

PAGES_BYTES = 16_000_000
_CURSOR_BYTES = 500  # of a calendar's id and cursor, about


class _Kept(NamedTuple):
    """A page at these cursors, right until a time. Its body lacks the time of the answer."""

    cursors: dict[str, str]
    until: int
    etag: str
    body: bytes


class SlotFinder:
    """The finder for all transports."""

    def __init__(self, service: AsyncService, clock: Clock) -> None:
        self._service = service
        self._clock = clock
        self._kept: ByteCache[_Kept] = ByteCache(PAGES_BYTES)

    async def find(self, request: FindSlots, principal: Principal, has: str = "") -> Tagged:
        """Return a page to a client that `has` these ETags. Raise the refusal of a hidden calendar.

        By default the window begins now, in whole seconds, so all requests of one second share a read.
        """
        now = self._clock() // SECOND * SECOND
        begin, finish = protocol.read_window(request.from_, request.to, now)
        names = tuple(sorted(set(request.calendars)))
        page = "" if not isinstance(request.page, str) else request.page
        search = SlotSearch(names, begin, finish, request.wanted_seats, request.limit, page)
        heads = await self._service.read(self._service.sync.heads, names, lane=Lane.LIGHT)
        _check_view(principal, names, heads)
        found = self._kept.get(search)
        if found is not None and self._clock() < found.until and found.cursors == _cursors(heads):
            kept = found
        else:
            kept, heads = await self._service.read(self._read, search, lane=Lane.HEAVY, key=search)
            self._kept.put(search, kept, len(kept.body) + _CURSOR_BYTES * len(names))
            _check_view(principal, names, heads)
        if is_known(kept.etag, has):
            return Tagged(kept.etag, None)
        return Tagged(kept.etag, b'%b,"server_time":%b}' % (kept.body, encode(write_time(self._clock()))))

    def _read(self, search: SlotSearch) -> tuple[_Kept, dict[str, Head]]:
        """Read and encode a page, on a reader's thread; return it with the heads of its calendars."""
        found = self._service.sync.find_slots(search)
        slots = b",".join(found.slots)
        cursors = _cursors(found.heads)
        content = b'"slots":[%b],"cursors":%b' % (slots, encode(cursors))
        if found.next_page:
            content += b',"next_page":%b' % encode(found.next_page)
        etag = etag_of(content)
        window = encode(write_time(search.begin)), encode(write_time(search.finish))
        return _Kept(cursors, found.until, etag, b'%b,"from":%b,"to":%b' % (content, *window)), found.heads


def _check_view(principal: Principal, names: tuple[str, ...], heads: dict[str, Head]) -> None:
    """Refuse the first calendar hidden from the principal. An unknown one is refused alike."""
    for name in names:
        head = heads.get(name)
        if head is None:
            raise principal.unknown(name)
        if not principal.may_view(head.info):
            raise principal.refusal()


def _cursors(heads: dict[str, Head]) -> dict[str, str]:
    return {name: head.cursor for name, head in sorted(heads.items())}
