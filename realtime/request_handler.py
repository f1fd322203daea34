"""The desk: where a request becomes an answer, whichever way it came.

A mutation's answer leaves only after this process has sent out the change that it made, so what its asker reads next
has it too.
"""

from __future__ import annotations

from typing import Any

from msgspec import Raw, Struct
from msgspec.json import Decoder
from msgspec.structs import replace

from models.contract.answers import Left
from models.contract.changes import Booking, Info, read_cursor
from models.contract.commands import (
    Answer,
    Command,
    GetBooking,
    ListBookings,
    MakeLink,
    RescheduleBooking,
    WithToken,
)
from models.contract.errors import BadRequest
from models.contract.principal import Principal
from models.contract.request import Request
from models.contract.time import DAY, SECOND, Clock, write_time
from realtime import protocol
from realtime.async_service import AsyncService
from realtime.auth import Auth
from realtime.read_queue import Lane
from realtime.rooms.dispatcher import Dispatcher
from realtime.rooms.recovery import WINDOW

LONGEST_LIST = 3_660 * DAY
MOST_BOOKINGS = 2_000  # in one list, but for those of slots that start at once


class _Rescheduled(Struct):
    """The part of an answer that says which other calendar has changed too."""

    left: Left | None = None


_left = Decoder(_Rescheduled)


class RequestHandler:
    """Knows no transport: it takes requests and returns answers."""

    def __init__(self, service: AsyncService, dispatcher: Dispatcher, clock: Clock, auth: Auth) -> None:
        self._service = service
        self._auth = auth
        self._dispatcher = dispatcher
        self.clock = clock

    async def do(self, command: Command, principal: Principal, received: int) -> Answer:
        """Does what changes the book; `received` is when the request arrived, in milliseconds."""
        answer = await self._service.run(replace(command, principal=principal, received=received))
        await self._dispatcher.settled(answer.calendar, answer.seq)
        if isinstance(command, RescheduleBooking):
            left = _left.decode(answer.result).left
            if left is not None:
                await self._dispatcher.settled(left.calendar, read_cursor(left.cursor).seq)
        return answer

    async def booking(self, request: GetBooking, principal: Principal) -> Booking:
        """One booking, for who has its token or is its calendar's staff."""
        asked = WithToken(principal=principal, booking=request.booking, token=request.token)
        return await self._service.read(self._service.sync.booking, asked, lane=Lane.LIGHT)

    async def bookings(self, request: ListBookings, principal: Principal) -> dict[str, Any]:
        """The bookings of a window's slots, for staff, and in `from` and `to` which window that is."""
        if not principal.is_staff_of(request.calendar):
            raise principal.refusal()
        begin, finish = protocol.read_window(request.from_, request.to, self.clock(), WINDOW)
        if finish - begin > LONGEST_LIST:
            raise BadRequest("`from` and `to` are ten years apart at most.", field="to")
        await self._service.read(
            self._service.sync.calendar, request.calendar, lane=Lane.LIGHT
        )  # NotFound is not the same as none
        found, finish = await self._service.read(
            self._service.sync.bookings, request.calendar, begin, finish, most=MOST_BOOKINGS, lane=Lane.STAFF
        )
        return {"bookings": found, "from": write_time(begin), "to": write_time(finish)}

    async def link(self, request: MakeLink, principal: Principal) -> dict[str, Any]:
        """A token by which guests see and book the calendar, for its staff to send on; and when it ends."""
        if not principal.is_staff_of(request.calendar):
            raise principal.refusal()
        await self._service.read(self._service.sync.calendar, request.calendar)  # a link to nothing helps nobody
        token, ends_at = self._auth.write_link(request.calendar, request.lifetime_seconds)
        return {"token": token, "expires_at": write_time(ends_at * SECOND)}

    async def answer(self, request: Request, principal: Principal, received: int) -> bytes:
        """The ack of any request that is not about the asker's own connection."""
        match request:
            case Command():
                return protocol.write_answer(await self.do(request, principal, received))
            case GetBooking():
                return protocol.write_ok(booking=await self.booking(request, principal))
            case ListBookings():
                return protocol.write_ok(**await self.bookings(request, principal))
            case MakeLink():
                return protocol.write_ok(**await self.link(request, principal))
        raise BadRequest("That can't be asked here.")

    async def calendars(self, principal: Principal) -> list[Info]:
        """The calendars that the asker may see and that are in use."""
        every = await self._service.read(self._service.sync.calendars, lane=Lane.HEAVY, key="calendars")
        return [info for info in every if principal.may_view(info) and not info.archived]

    async def calendar(self, calendar: str, principal: Principal) -> Info:
        """One calendar's info, also of an archived one."""
        found = await self._service.read(self._service.sync.calendar, calendar, lane=Lane.LIGHT)
        if not principal.may_view(found):
            raise principal.refusal()
        return found

    async def schedule(self, calendar: str, principal: Principal) -> Raw | None:
        """A calendar's opening hours, for its staff."""
        if not principal.is_staff_of(calendar):
            raise principal.refusal()
        found = await self._service.read(self._service.sync.schedule, calendar, lane=Lane.LIGHT)
        return None if found is None else Raw(found)

    async def explain(self, slot: str, principal: Principal) -> list[dict[str, Any]]:
        """Why the slot can or can't be taken by this asker: `{rule, ok, …}` each."""
        return await self._service.read(self._service.sync.explain, principal, slot, lane=Lane.LIGHT)
