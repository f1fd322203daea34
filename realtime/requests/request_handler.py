"""Handles a request of any transport and returns its answer.

The answer to a mutation leaves after this process has sent the change, so the client's next read has the change.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from msgspec import UNSET, Raw, Struct
from msgspec.json import Decoder
from msgspec.structs import replace

from models.contract.answers import Left
from models.contract.changes import Booking, Info, read_cursor
from models.contract.commands.background import EraseBlocks
from models.contract.commands.blocks import AddBlock, ListBlocks, RemoveBlock
from models.contract.commands.bookings import (
    CancelBookings,
    EraseCustomers,
    ExportCustomer,
    GetBooking,
    ListBookings,
    RescheduleBooking,
)
from models.contract.commands.calendars import GetSchedule, ListBusy, ListFeeds, ListHistory, MakeLink, SetSchedule
from models.contract.commands.command import Answer, Command, WithToken
from models.contract.commands.server import ReadServer
from models.contract.commands.slots import FindSlots
from models.contract.errors import BadRequest, Overloaded
from models.contract.principal import Principal, Role
from models.contract.request import FIRST_MOMENT, LAST_MOMENT, Request
from models.contract.values.time import DAY, Clock, write_time
from models.service import Search
from realtime import protocol
from realtime.access.visibility import check_read, hiding
from realtime.async_service import AsyncService
from realtime.engine.arrival import arrived
from realtime.engine.reading_line import Queueing
from realtime.reads.read_queue import Lane
from realtime.requests import cancellation, erasure
from realtime.requests.access_handler import AccessHandler
from realtime.requests.etag import Tagged
from realtime.requests.http_turn import HttpTurn
from realtime.requests.schedule import set_schedule
from realtime.requests.slot_search import SlotFinder
from realtime.rooms.dispatcher import Dispatcher

LAST_SEQ = 1 << 62
LONGEST_LIST = 3_660 * DAY
MOST_BOOKINGS = 2_000  # in one list, but for those of slots that start at once
PAGE_BOOKINGS = 100  # of a search, unless the client asks for another number


class _Rescheduled(Struct):
    """The part of an answer that names another calendar with a change."""

    left: Left | None = None


_left = Decoder(_Rescheduled)


async def _no_figures() -> dict[str, Any]:
    return {}


class RequestHandler:
    """The handler of all requests. It knows no transport."""

    def __init__(self, service: AsyncService, dispatcher: Dispatcher, clock: Clock, access: AccessHandler) -> None:
        self._service = service
        self._access = access
        self._dispatcher = dispatcher
        self._finder = SlotFinder(service, clock)
        self.clock = clock
        self.read_server: Callable[[], Awaitable[dict[str, Any]]] = _no_figures  # the app sets it

    def must_refuse(self, connection: Queueing) -> bool:
        """Whether this customer's claim of free seats would wait too long now."""
        return self._service.must_refuse(connection)

    def refuse(self, connection: Queueing) -> Overloaded:
        """Return the refusal of such a claim. A client who ignores refusals waits in line from now on."""
        refusal = self._service.refuse()
        self._service.line.note(connection, refusal.details["retry_after"])
        return refusal

    async def admit(self, turn: HttpTurn) -> None:
        """Raise the refusal of a claim over HTTP that would wait too long; where refusals are ignored, in its turn."""
        if self.must_refuse(turn):
            refusal = self.refuse(turn)
            await turn.until_left()
            raise refusal

    def is_late(self, since: float) -> bool:
        """Whether a claim that has waited since then can't be done in time any more."""
        return self._service.wait.is_late(since)

    def refuse_late(self, since: float, count: int) -> Overloaded | None:
        """Return the refusal of so many claims that have waited since then, or None if they are not too late."""
        return self._service.refuse_late(count) if self._service.wait.is_late(since) else None

    async def do(
        self, command: Command, principal: Principal, received: int, on_commit: Callable[[], None] | None = None
    ) -> Answer:
        """Run a mutation and return its answer. `received` is the time of its arrival, in milliseconds.

        `on_commit` is called after the commit, before its change is sent.
        """
        given = replace(command, principal=self._access.marked(principal, command), received=received)
        is_held = False

        def hold(future: asyncio.Future[Answer], answer: Answer) -> bool:
            nonlocal is_held
            if on_commit is not None:
                on_commit()
            is_held = self._dispatcher.hold(future, answer)
            return is_held

        if isinstance(given, SetSchedule):
            answer = await set_schedule(self._service, partial(self._service.run, hold=hold), given)
        else:
            answer = await self._service.run(given, hold, arrived())
        if not is_held and not self._dispatcher.is_settled(answer.calendar, answer.seq):
            await self._dispatcher.settled(answer.calendar, answer.seq)
        if isinstance(command, AddBlock | RemoveBlock):
            await self._access.follow()
        if isinstance(command, RescheduleBooking):
            left = _left.decode(answer.result).left
            if left is not None:
                await self._dispatcher.settled(left.calendar, read_cursor(left.cursor).seq)
        return answer

    def subscribers_of(self, calendar: str) -> int:
        """Return the number of a calendar's subscribers in this process."""
        room = self._dispatcher.rooms.get(calendar)
        return 0 if room is None else room.subscriber_count

    async def _booking(self, request: GetBooking, principal: Principal) -> Booking:
        """Return a booking, to a client with its token or to the calendar's staff."""
        asked = WithToken(principal=principal, booking=request.booking, token=request.token)
        return await self._service.read(self._service.sync.booking, asked, lane=Lane.LIGHT)

    async def _bookings(self, request: ListBookings, scope: tuple[str, ...] | None) -> dict[str, Any]:
        """Return the bookings of a window's slots, with the window as `from` and `to`; or search in the scope."""
        if not isinstance(request.calendar, str) or request.is_search:
            return await self._found_bookings(request, scope)
        begin, finish = protocol.read_window(request.from_, request.to, self.clock())
        if finish - begin > LONGEST_LIST:
            raise BadRequest("`from` and `to` are ten years apart at most.", field="to")
        await self._check_exists(request.calendar)  # NotFound differs from an empty list
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
            await self._check_exists(request.calendar)
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

    async def find_slots(self, request: FindSlots, principal: Principal, has: str = "") -> Tagged:
        """Return a page of the slots of several calendars, to a client that `has` these ETags."""
        return await self._finder.find(request, principal, has)

    async def _erase(
        self, request: EraseCustomers, principal: Principal, scope: tuple[str, ...] | None
    ) -> dict[str, Any]:
        """Erase every booking's customer with an e-mail address, in these calendars."""
        if isinstance(request.calendar, str):
            await self._check_exists(request.calendar)

        async def run(command: Command) -> Answer:
            return await self.do(command, principal, self.clock())

        email, page = request.email.strip(), request.page if isinstance(request.page, str) else ""
        if not email:
            raise BadRequest("`email` is an e-mail address.", field="email")
        erased = await erasure.erase(self._service, run, principal, email=email, calendars=scope, page=page)
        await self._service.run(EraseBlocks(email=email, scope=scope))
        counts = {"erased": erased.bookings, "calendars": erased.calendars}
        return {**counts, "next_page": erased.next_page} if erased.next_page else counts

    async def _export(
        self, request: ExportCustomer, principal: Principal, scope: tuple[str, ...] | None
    ) -> dict[str, Any]:
        """Return a page of all data about a person, in these calendars."""
        if isinstance(request.calendar, str):
            await self._check_exists(request.calendar)
        email, page = request.email.strip(), request.page if isinstance(request.page, str) else ""
        if not email:
            raise BadRequest("`email` is an e-mail address.", field="email")
        read = self._service.sync.export
        found = await self._service.read(read, principal, email, scope, page, request.limit, lane=Lane.STAFF)
        fields: dict[str, Any] = {"bookings": found.bookings, "entries": found.entries}
        if found.blocks is not UNSET:
            fields["blocks"] = found.blocks
        return fields if found.next_page is UNSET else {**fields, "next_page": found.next_page}

    async def _cancel_all(
        self, request: CancelBookings, principal: Principal, scope: tuple[str, ...] | None
    ) -> dict[str, Any]:
        """Cancel the bookings of one customer, in these calendars."""
        if isinstance(request.calendar, str):
            await self._check_exists(request.calendar)

        async def run(command: Command) -> Answer:
            return await self.do(command, principal, self.clock())

        return await cancellation.cancel(self._service, run, principal, request, calendars=scope, now=self.clock())

    async def _check_exists(self, calendar: str) -> None:
        """Raise NotFound for a calendar that does not exist."""
        await self._service.read(self._service.sync.calendar, calendar, lane=Lane.LIGHT)

    async def _history(self, request: ListHistory, principal: Principal) -> dict[str, Any]:
        """Return a page of a calendar's history; only an owner gets addresses."""
        page = await self._service.read(
            self._service.sync.history,
            request.calendar,
            slot=request.slot or "",
            booking=request.booking or "",
            before=LAST_SEQ if request.before is None else request.before,
            most=request.limit,
            with_addresses=principal.role_in(request.calendar) >= Role.OWNER,
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
        return protocol.write_ok(**await self.read(request, principal))

    async def read(self, request: Request, principal: Principal) -> dict[str, Any]:
        """Return the fields of the answer to a read, after the check of its role."""
        scope = check_read(request, principal)
        match request:
            case GetBooking():
                return {"booking": await self._booking(request, principal)}
            case ListBookings():
                return await self._bookings(request, scope)
            case EraseCustomers() | ExportCustomer() | CancelBookings():
                return await self._about_customer(request, principal, scope)
            case ListBusy() | ListFeeds() | GetSchedule():
                return await self._of_calendar(request)
            case ReadServer():
                if scope is not None:  # an owner of some calendars
                    raise principal.refusal()
                return await self.read_server()
            case ListBlocks():
                return {"blocks": await self._service.read(self._service.sync.blocks, scope, lane=Lane.STAFF)}
            case ListHistory():
                return await self._history(request, principal)
            case MakeLink():
                await self._check_exists(request.calendar)
                return await self._access.link(request, principal)
        raise BadRequest("That can't be asked here.")

    async def _about_customer(
        self,
        request: EraseCustomers | ExportCustomer | CancelBookings,
        principal: Principal,
        scope: tuple[str, ...] | None,
    ) -> dict[str, Any]:
        """Answer what staff ask about one customer, in these calendars."""
        match request:
            case EraseCustomers():
                return await self._erase(request, principal, scope)
            case ExportCustomer():
                return await self._export(request, principal, scope)
        return await self._cancel_all(request, principal, scope)

    async def _of_calendar(self, request: ListBusy | ListFeeds | GetSchedule) -> dict[str, Any]:
        """Return what a calendar has, by a short read."""
        sync = self._service.sync
        match request:
            case ListBusy():
                return {"sources": await self._service.read(sync.busy_sources, request.calendar, lane=Lane.LIGHT)}
            case ListFeeds():
                return {"feeds": await self._service.read(sync.feeds, request.calendar, lane=Lane.LIGHT)}
        found = await self._service.read(sync.schedule, request.calendar, lane=Lane.LIGHT)
        return {"schedule": None if found is None else Raw(found)}

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

    async def explain(self, slot: str, principal: Principal) -> list[dict[str, Any]]:
        """Return the rules for the slot and this principal, `{rule, ok, …}` each."""
        asking = self._access.marked(principal)
        return await self._service.read(self._service.sync.explain, asking, slot, lane=Lane.LIGHT)
