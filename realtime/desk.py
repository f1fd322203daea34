"""The desk: where a request becomes an answer, whichever way it came.

A mutation's answer leaves only after this process has sent out the change that it made, so what its asker reads next
has it too.
"""

from __future__ import annotations

from typing import Any

from msgspec import Raw, Struct
from msgspec.json import Decoder

from models.change import Booking, Info, read_cursor
from models.clock import DAY, SECOND, Clock, write_time
from models.commands import Answer, Asker, WithToken
from models.errors import BadRequest
from realtime import wire
from realtime.answer import Left
from realtime.auth import Auth
from realtime.catch_up import WINDOW
from realtime.dispatcher import Dispatcher
from realtime.door import Door
from realtime.reader import Lane

LONGEST_LIST = 3_660 * DAY
MOST_BOOKINGS = 2_000  # in one list, but for those of slots that start at once


class _Rescheduled(Struct):
    """The part of an answer that says which other calendar has changed too."""

    left: Left | None = None


_left = Decoder(_Rescheduled)


class Desk:
    """Knows no transport: requests come as `wire.Request`, and answers go as what they are."""

    def __init__(self, door: Door, dispatcher: Dispatcher, clock: Clock, auth: Auth) -> None:
        self._door = door
        self._auth = auth
        self._dispatcher = dispatcher
        self.clock = clock

    async def do(self, request: wire.Mutation, asker: Asker, received: int) -> Answer:
        """Does what changes the book; `received` is when the request arrived, in milliseconds."""
        answer = await self._door.run(request.command(asker, received))
        await self._dispatcher.settled(answer.calendar, answer.seq)
        if isinstance(request, wire.RescheduleBooking):
            left = _left.decode(answer.result).left
            if left is not None:
                await self._dispatcher.settled(left.calendar, read_cursor(left.cursor).seq)
        return answer

    async def booking(self, request: wire.GetBooking, asker: Asker) -> Booking:
        """One booking, for who has its token or is its calendar's staff."""
        asked = WithToken(asker=asker, booking=request.booking, token=request.token)
        return await self._door.read(self._door.book.booking, asked, lane=Lane.LIGHT)

    async def bookings(self, request: wire.ListBookings, asker: Asker) -> dict[str, Any]:
        """The bookings of a window's slots, for staff, and in `from` and `to` which window that is."""
        if not asker.is_staff_of(request.calendar):
            raise asker.refusal()
        begin, finish = wire.read_window(request.from_, request.to, self.clock(), WINDOW)
        if finish - begin > LONGEST_LIST:
            raise BadRequest("`from` and `to` are ten years apart at most.", field="to")
        await self._door.read(
            self._door.book.calendar, request.calendar, lane=Lane.LIGHT
        )  # NotFound is not the same as none
        found, finish = await self._door.read(
            self._door.book.bookings, request.calendar, begin, finish, most=MOST_BOOKINGS, lane=Lane.STAFF
        )
        return {"bookings": found, "from": write_time(begin), "to": write_time(finish)}

    async def link(self, request: wire.MakeLink, asker: Asker) -> dict[str, Any]:
        """A token by which guests see and book the calendar, for its staff to send on; and when it ends."""
        if not asker.is_staff_of(request.calendar):
            raise asker.refusal()
        await self._door.read(self._door.book.calendar, request.calendar)  # a link to nothing helps nobody
        token, ends_at = self._auth.write_link(request.calendar, request.lifetime_seconds)
        return {"token": token, "expires_at": write_time(ends_at * SECOND)}

    async def answer(self, request: wire.Request, asker: Asker, received: int) -> bytes:
        """The ack of any request that is not about the asker's own connection."""
        match request:
            case wire.Mutation():
                return wire.write_answer(await self.do(request, asker, received))
            case wire.GetBooking():
                return wire.write_ok(booking=await self.booking(request, asker))
            case wire.ListBookings():
                return wire.write_ok(**await self.bookings(request, asker))
            case wire.MakeLink():
                return wire.write_ok(**await self.link(request, asker))
        raise BadRequest("That can't be asked here.")

    async def calendars(self, asker: Asker) -> list[Info]:
        """The calendars that the asker may see and that are in use."""
        every = await self._door.read(self._door.book.calendars, lane=Lane.HEAVY, key="calendars")
        return [info for info in every if asker.may_view(info) and not info.archived]

    async def calendar(self, calendar: str, asker: Asker) -> Info:
        """One calendar's info, also of an archived one."""
        found = await self._door.read(self._door.book.calendar, calendar, lane=Lane.LIGHT)
        if not asker.may_view(found):
            raise asker.refusal()
        return found

    async def schedule(self, calendar: str, asker: Asker) -> Raw | None:
        """A calendar's opening hours, for its staff."""
        if not asker.is_staff_of(calendar):
            raise asker.refusal()
        found = await self._door.read(self._door.book.schedule, calendar, lane=Lane.LIGHT)
        return None if found is None else Raw(found)

    async def explain(self, slot: str, asker: Asker) -> list[dict[str, Any]]:
        """Why the slot can or can't be taken by this asker: `{rule, ok, …}` each."""
        return await self._door.read(self._door.book.explain, asker, slot, lane=Lane.LIGHT)
