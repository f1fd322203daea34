"""Routes a command to its calendars: those of the slot, hold, booking or calendar that it names.

The service never changes the calendar of a slot or hold. Where an outside writer has done so, the command finds out
and is routed anew. The calendar of a booking changes when it is rescheduled, so a lookup without a lock is repeated
with the lock.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from functools import lru_cache

from peewee import Database

from models.contract.commands.blocks import RemoveBlock
from models.contract.commands.bookings import (
    CancelBooking,
    RescheduleBooking,
    SendCode,
    StaffOnBooking,
    UpdateBooking,
    VerifyBooking,
)
from models.contract.commands.calendars import RemoveBusy, RevokeFeed
from models.contract.commands.command import Command
from models.contract.commands.holds import HoldCommand
from models.contract.values.ids import SLUG, UUID
from models.storage.access_tables import Block
from models.storage.compiled_query import CompiledListQuery
from models.storage.tables import Booking, BusySource, Hold, PrivateFeed, Slot

Subject = tuple[str, str]  # a kind, and an id
Routes = dict[Subject, str]

IDS_A_READ = 256

_routes = {
    "slot": CompiledListQuery(lambda ids: Slot.select(Slot.id, Slot.calendar).where(Slot.id.in_(ids))),
    "hold": CompiledListQuery(lambda ids: Hold.select(Hold.id, Hold.calendar).where(Hold.id.in_(ids))),
    "busy": CompiledListQuery(
        lambda ids: BusySource.select(BusySource.id, BusySource.calendar).where(BusySource.id.in_(ids))
    ),
    "block": CompiledListQuery(lambda ids: Block.select(Block.id, Block.calendar).where(Block.id.in_(ids))),
    "feed": CompiledListQuery(
        lambda ids: PrivateFeed.select(PrivateFeed.id, PrivateFeed.calendar).where(PrivateFeed.id.in_(ids))
    ),
    "booking": CompiledListQuery(lambda ids: Booking.select(Booking.id, Booking.calendar).where(Booking.id.in_(ids))),
}


class StaleRoute(Exception):
    """Another transaction has changed the command's route, or a row since it was read.

    The command must be routed and run anew.
    """


class Locked(Exception):
    """Another process has held the lock of the command's calendar too long. The command must be tried again."""


def calendars_of(routes: Routes, subjects: Iterable[Subject]) -> set[str]:
    """Return the known calendars of these subjects."""
    return {routes[subject] for subject in subjects if subject in routes}


def subjects(command: Command) -> tuple[Subject, ...]:
    """Return the subjects of the command. The idempotency record stands in the calendar of the first."""
    return tuple([(kind, getattr(command, field)) for kind, field in _subjects_of(type(command))])


@lru_cache(maxsize=256)
def _subjects_of(command: type[Command]) -> tuple[tuple[str, str], ...]:
    """Return the kinds of a command's subjects, and the fields that have their ids."""
    if issubclass(command, HoldCommand):
        return (("hold", "hold"),)
    if issubclass(command, RemoveBlock):
        return (("block", "block"),)
    if issubclass(command, RevokeFeed):
        return (("feed", "feed"),)
    if issubclass(command, RemoveBusy):
        return (("busy", "source"),)
    if issubclass(command, CancelBooking | UpdateBooking | VerifyBooking | SendCode | StaffOnBooking):
        return (("booking", "booking"),)
    if issubclass(command, RescheduleBooking):  # the target comes first: it is the same when the command is repeated
        return ("slot", "slot"), ("booking", "booking")
    return (("slot", "slot"),) if "slot" in command.__struct_fields__ else (("calendar", "calendar"),)


def is_permanent(subject: Subject) -> bool:
    """Say if the service never changes the subject's calendar."""
    return subject[0] != "booking"


def read_routes(db: Database, wanted: Collection[Subject]) -> Routes:
    """Return the calendars of the subjects that exist, by one statement for each kind. A calendar routes to itself."""
    routes: Routes = {(kind, name): name for kind, name in wanted if kind == "calendar" and SLUG.fullmatch(name)}
    for kind, statement in _routes.items():
        ids = [subject for of, subject in wanted if of == kind and UUID.fullmatch(subject)]
        for place in range(0, len(ids), IDS_A_READ):
            routes |= {(kind, row[0]): row[1] for row in statement.rows(db, ids[place : place + IDS_A_READ])}
    return routes
