"""How a client joins, over a real book: what it is told, and what others wait for meanwhile."""

import asyncio

import msgspec

from models.commands import OPERATOR
from realtime.wire import ListBookings

from .house import Ear, House


async def test_staff_are_told_of_every_booking(house: House) -> None:
    """However many bookings one slot has: all are in the snapshot that has the slot, and in a list's next page."""
    (crowded,) = await house.open_slots([2], capacity=2_200)
    await asyncio.gather(*(house.reserve(crowded) for _ in range(2_200)))
    await house.reserve(house.slot)
    _, joined = await house.join(Ear(), asker=OPERATOR)
    told = msgspec.json.decode(b"{" + joined.body)
    assert (len(told["slots"]), len(told["bookings"])) == (2, 2_201)
    first = await house.desk.bookings(ListBookings(calendar="room"), OPERATOR)
    rest = await house.desk.bookings(ListBookings(calendar="room", from_=first["to"]), OPERATOR)
    assert (len(first["bookings"]), len(rest["bookings"])) == (1, 2_200)
    assert first["to"] == next(slot["start"] for slot in told["slots"] if slot["id"] == crowded)
