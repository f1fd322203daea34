"""Cancels the coming bookings of one customer, in batches, over all calendars of the caller."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import Any

import msgspec
from msgspec import Struct

from models.contract.commands.bookings import CancelBookings
from models.contract.commands.command import Answer, Command
from models.contract.errors import BadRequest
from models.contract.principal import Principal
from models.contract.request import LAST_MOMENT
from models.service import Coming
from realtime import protocol
from realtime.access.auth import holder_address
from realtime.async_service import AsyncService
from realtime.reads.read_queue import Lane

MOST_READS = 50  # of one request; each is a page of at most 10,000 bookings

_log = logging.getLogger("slotcast.cancellation")


class _Count(Struct):
    cancelled: int


_count = msgspec.json.Decoder(_Count)


def customer_of(request: CancelBookings) -> tuple[str, str]:
    """Return the e-mail address or the network address of the request; the other one is ""."""
    email = request.email.strip() if isinstance(request.email, str) else ""
    address = request.address.strip() if isinstance(request.address, str) else ""
    if bool(email) == bool(address):
        raise BadRequest("Name the customer by `email` or by `address`.", field="email")
    try:
        return email, holder_address(str(ip_address(address))) if address else ""
    except ValueError:
        raise BadRequest("`address` is an IP address.", field="address") from None


async def cancel(
    service: AsyncService,
    run: Callable[[Command], Awaitable[Answer]],
    principal: Principal,
    request: CancelBookings,
    *,
    calendars: tuple[str, ...] | None,
    now: int,
) -> dict[str, Any]:
    """Cancel from this page on, and return the fields of the answer. The log line has the counts alone."""
    email, address = customer_of(request)
    begin = now if request.from_ is None else protocol.read_moment(request.from_, "from")
    finish = LAST_MOMENT if request.to is None else protocol.read_moment(request.to, "to")
    if finish <= begin:
        raise BadRequest("`to` is after `from`.", field="to")
    coming = Coming(calendars, begin, finish, email)
    page = request.page if isinstance(request.page, str) else ""
    cancelled = 0
    touched: set[str] = set()
    for _ in range(MOST_READS):
        read = service.sync.cancellations
        commands, page = await service.read(read, principal, coming, address, page, lane=Lane.STAFF)
        count = 0
        for command in commands:
            answer = await run(command)
            done = _count.decode(answer.result).cancelled
            count += done
            touched |= {answer.calendar} if done else set()
        cancelled += count
        if not page:
            break
    _log.info("Cancelled %d bookings in %d calendars", cancelled, len(touched))
    counts = {"cancelled": cancelled, "calendars": len(touched)}
    return {**counts, "next_page": page} if page else counts
