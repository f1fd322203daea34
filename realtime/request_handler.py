"""Handles a request of any transport and returns its answer.

The answer to a mutation leaves after this process has sent the change, so the client's next read has the change.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Raw, Struct
from msgspec.json import Decoder
from msgspec.structs import replace

from models.contract.answers import Left
from models.contract.changes import Booking, Info, read_cursor
from models.contract.commands.bookings import EraseCustomers, GetBooking, ListBookings, RescheduleBooking
from models.contract.commands.calendars import ListBusy, ListFeeds, ListHistory, MakeLink
from models.contract.commands.command import Answer, Command, WithToken
from models.contract.commands.slots import FindSlots
from models.contract.errors import BadRequest
from models.contract.principal import Principal
from models.contract.request import FIRST_MOMENT, LAST_MOMENT, Request
from models.contract.values.time import DAY, SECOND, Clock, write_time
from models.service import Search
from realtime import erasure, protocol
from realtime.access.auth import Auth
from realtime.access.visibility import hiding, staff_scope
from realtime.async_service import AsyncService
from realtime.reads.read_queue import Lane
from realtime.rooms.dispatcher import Dispatcher
from realtime.rooms.recovery import WINDOW, Looked
from realtime.slot_search import SlotFinder

LAST_SEQ = 1 << 62
LONGEST_LIST = 3_660 * DAY
MOST_BOOKINGS = 2_000  # in one list, but for those of slots that start at once
PAGE_BOOKINGS = 100  # of a search, unless the client asks for another number


class _Rescheduled(Struct):
    """The part of an answer that names another calendar with a change."""

    left: Left | None = None


_left = Decoder(_Rescheduled)


class RequestHandler:
    """The handler of all requests. It knows no transport."""

    def __init__(self, service: AsyncService, dispatcher: Dispatcher, clock: Clock, auth: Auth) -> None:
        self._service = service
        self._auth = auth
        self._dispatcher = dispatcher
        self._finder = SlotFinder(service, clock)
        self.clock = clock

    async def do(self, command: Command, principal: Principal, received: int) -> Answer:
        """Run a mutation and return its answer. `received` is the time of its arrival, in milliseconds."""
        given = replace(command, principal=principal, received=received)
        answer = await self._service.run(given, self._dispatcher.hold)
        if not self._dispatcher.is_settled(answer.calendar, answer.seq):
            await self._dispatcher.settled(answer.calendar, answer.seq)
        if isinstance(command, RescheduleBooking):
            left = _left.decode(answer.result).left
            if left is not None:
                await self._dispatcher.settled(left.calendar, read_cursor(left.cursor).seq)
        return answer

    async def booking(self, request: GetBooking, principal: Principal) -> Booking:
        """Return a booking, to a client with its token or to the calendar's staff."""
        asked = WithToken(principal=principal, booking=request.booking, token=request.token)
        return await self._service.read(self._service.sync.booking, asked, lane=Lane.LIGHT)

    async def bookings(self, request: ListBookings, principal: Principal) -> dict[str, Any]:
        """Return the bookings of a window's slots, for staff, with the window as `from` and `to`; or search."""
        scope = staff_scope(principal, request.calendar)
        if not isinstance(request.calendar, str) or request.is_search:
            return await self._found_bookings(request, scope)
        begin, finish = protocol.read_window(request.from_, request.to, self.clock(), WINDOW)
        if finish - begin > LONGEST_LIST:
            raise BadRequest("`from` and `to` are ten years apart at most.", field="to")
        await self._service.read(
            self._service.sync.calendar, request.calendar, lane=Lane.LIGHT
        )  # NotFound differs from an empty list
        found, finish = await self._service.read(
            self._service.sync.bookings, request.calendar, begin, finish, most=MOST_BOOKINGS, lane=Lane.STAFF
        )
        return {"bookings": found, "from": write_time(begin), "to": write_time(finish)}

    async def _found_bookings(self, request: ListBookings, scope: tuple[str, ...] | None) -> dict[str, Any]:
        """Return a page of the bookings that a search finds in these calendars."""
        begin = FIRST_MOMENT if request.from_ is None else protocol.read_moment(request.from_, "from")
        finish = LAST_MOMENT if request.to is None else protocol.read_moment(request.to, "to")
        if finish <= begin:
            raise BadRequest("`to` is after `from`.", field="to")
        if isinstance(request.calendar, str):
            await self._service.read(self._service.sync.calendar, request.calendar, lane=Lane.LIGHT)
        since, text = request.updated_after, request.q.strip() if isinstance(request.q, str) else ""
        if isinstance(request.q, str) and not text:
            raise BadRequest("`q` has at least one character that is no space.", field="q")
        search = Search(
            scope,
            begin,
            finish,
            status=request.status if isinstance(request.status, str) else "",
            text=text,
            updated_after=protocol.read_moment(since, "updated_after") if isinstance(since, str) else None,
            page=request.page if isinstance(request.page, str) else "",
        )
        most = request.limit if isinstance(request.limit, int) else PAGE_BOOKINGS
        found, page = await self._service.read(self._service.sync.find_bookings, search, most=most, lane=Lane.STAFF)
        answer = {"bookings": found, "from": write_time(begin), "to": write_time(finish)}
        return {**answer, "next_page": page} if page else answer

    async def find_slots(self, request: FindSlots, principal: Principal, has: str = "") -> Looked:
        """Return a page of the slots of several calendars, to a client that `has` these ETags."""
        return await self._finder.find(request, principal, has)

    async def erase(self, request: EraseCustomers, principal: Principal) -> dict[str, Any]:
        """Erase every booking's customer with an e-mail address, for staff of these calendars."""
        scope = staff_scope(principal, request.calendar)
        if isinstance(request.calendar, str):
            await self._service.read(self._service.sync.calendar, request.calendar, lane=Lane.LIGHT)

        async def run(command: Command) -> Answer:
            return await self.do(command, principal, self.clock())

        email, page = request.email.strip(), request.page if isinstance(request.page, str) else ""
        if not email:
            raise BadRequest("`email` is an e-mail address.", field="email")
        erased = await erasure.erase(self._service, run, principal, email=email, calendars=scope, page=page)
        counts = {"erased": erased.bookings, "calendars": erased.calendars}
        return {**counts, "next_page": erased.next_page} if erased.next_page else counts

    async def link(self, request: MakeLink, principal: Principal) -> dict[str, Any]:
        """Return a token for guests to see and book the calendar, and its end. Staff send it on."""
        if not principal.is_staff_of(request.calendar):
            raise principal.refusal()
        await self._service.read(
            self._service.sync.calendar, request.calendar, lane=Lane.LIGHT
        )  # NotFound for a calendar that does not exist
        token, ends_at = self._auth.write_link(request.calendar, request.lifetime_seconds)
        return {"token": token, "expires_at": write_time(ends_at * SECOND)}

    async def feeds(self, request: ListFeeds, principal: Principal) -> dict[str, Any]:
        """Return the private feeds of a calendar, to its staff."""
        if not principal.is_staff_of(request.calendar):
            raise principal.refusal()
        return {"feeds": await self._service.read(self._service.sync.feeds, request.calendar, lane=Lane.LIGHT)}

    async def busy(self, request: ListBusy, principal: Principal) -> dict[str, Any]:
        """Return the sources of a calendar's busy times, to its staff."""
        if not principal.is_staff_of(request.calendar):
            raise principal.refusal()
        found = await self._service.read(self._service.sync.busy_sources, request.calendar, lane=Lane.LIGHT)
        return {"sources": found}

    async def history(self, request: ListHistory, principal: Principal) -> dict[str, Any]:
        """Return a page of a calendar's history, to its staff."""
        if not principal.is_staff_of(request.calendar):
            raise principal.refusal()
        page = await self._service.read(
            self._service.sync.history,
            request.calendar,
            slot=request.slot or "",
            booking=request.booking or "",
            before=LAST_SEQ if request.before is None else request.before,
            most=request.limit,
            lane=Lane.STAFF,
        )
        return {"entries": page.entries} | ({} if page.next is UNSET else {"next": page.next})

    async def answer(self, request: Request, principal: Principal, received: int) -> bytes:
        """Return the ack of any request that does not concern the client's connection."""
        match request:
            case Command():
                return protocol.write_answer(await self.do(request, principal, received))
            case FindSlots():
                found = await self.find_slots(request, principal)
                return b'{"ok":true,%b' % (found.body or b"")
            case GetBooking():
                fields: dict[str, Any] = {"booking": await self.booking(request, principal)}
            case ListBookings():
                fields = await self.bookings(request, principal)
            case EraseCustomers():
                fields = await self.erase(request, principal)
            case ListBusy():
                fields = await self.busy(request, principal)
            case ListFeeds():
                fields = await self.feeds(request, principal)
            case ListHistory():
                fields = await self.history(request, principal)
            case MakeLink():
                fields = await self.link(request, principal)
            case _:
                raise BadRequest("That can't be asked here.")
        return protocol.write_ok(**fields)

    async def calendars(self, principal: Principal, *, with_archived: bool = False) -> list[Info]:
        """Return the calendars that the principal may see."""
        every = await self._service.read(self._service.sync.calendars, lane=Lane.HEAVY, key="calendars")
        return [info for info in every if principal.may_view(info) and (with_archived or not info.archived)]

    async def calendar(self, calendar: str, principal: Principal) -> Info:
        """Return one calendar's info, also of an archived one."""
        with hiding(calendar, principal):
            found = await self._service.read(self._service.sync.calendar, calendar, lane=Lane.LIGHT)
        if not principal.may_view(found):
            raise principal.refusal()
        return found

    async def schedule(self, calendar: str, principal: Principal) -> Raw | None:
        """Return a calendar's schedule, to its staff."""
        if not principal.is_staff_of(calendar):
            raise principal.refusal()
        found = await self._service.read(self._service.sync.schedule, calendar, lane=Lane.LIGHT)
        return None if found is None else Raw(found)

    async def explain(self, slot: str, principal: Principal) -> list[dict[str, Any]]:
        """Return the rules for the slot and this principal, `{rule, ok, …}` each."""
        return await self._service.read(self._service.sync.explain, principal, slot, lane=Lane.LIGHT)
