"""Erases every booking's customer with one e-mail address, in batches, over all calendars of the caller."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import msgspec
from msgspec import Struct

from models.contract.commands.command import Answer, Command
from models.contract.principal import Principal
from realtime.async_service import AsyncService
from realtime.reads.read_queue import Lane

MOST_READS = 200  # of one request; each is a page of at most 10,000 bookings

_log = logging.getLogger("slotcast.erasure")


class Erased(NamedTuple):
    """The number of bookings erased, their calendars, and the mark to go on from, "" after the end."""

    bookings: int
    calendars: int
    next_page: str


class _Count(Struct):
    erased: int


_count = msgspec.json.Decoder(_Count)


async def erase(
    service: AsyncService,
    run: Callable[[Command], Awaitable[Answer]],
    principal: Principal,
    *,
    email: str,
    calendars: tuple[str, ...] | None,
    page: str,
) -> Erased:
    """Erase from this page on. A page is read again until it has none, as a booking may move to another calendar.

    The log line has the counts alone.
    """
    erased = 0
    touched: set[str] = set()
    for _ in range(MOST_READS):
        read = service.sync.erasures
        commands, page = await service.read(read, principal, email, calendars, page, lane=Lane.STAFF)
        for command in commands:
            answer = await run(command)
            count = _count.decode(answer.result).erased
            erased += count
            touched |= {answer.calendar} if count else set()
        if not page:
            break
    _log.info("Erased the customer of %d bookings in %d calendars", erased, len(touched))
    return Erased(erased, len(touched), page)
