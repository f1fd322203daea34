"""Where a command belongs: the calendars of the things that it speaks of.

The service never changes the calendar of a slot, and so of a hold; where somebody has done so by hand, the command
finds out and is placed anew. That of a booking changes when it is rescheduled: whoever has looked it up without a lock
looks again with one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any, cast

from peewee import Database

from models.contract import commands
from models.contract.commands import Command
from models.contract.identifiers import SLUG, UUID
from models.storage.compiled_query import CompiledListQuery
from models.storage.tables import Booking, Hold, Slot

Subject = tuple[str, str]  # the kind of thing, and its id
Routes = dict[Subject, str]

IDS_A_READ = 256

_routes = {
    "slot": CompiledListQuery(lambda ids: Slot.select(Slot.id, Slot.calendar).where(Slot.id.in_(ids))),
    "hold": CompiledListQuery(lambda ids: Hold.select(Hold.id, Hold.calendar).where(Hold.id.in_(ids))),
    "booking": CompiledListQuery(lambda ids: Booking.select(Booking.id, Booking.calendar).where(Booking.id.in_(ids))),
}


class StaleRoute(Exception):
    """Someone else was quicker in a way that changes where the command belongs: it is to be placed anew."""


class Locked(Exception):
    """Another process has the command's calendar, and did not let go of it in time: it is to be tried again."""


def calendars_of(routes: Routes, about: Iterable[Subject]) -> set[str]:
    """The calendars of these things, as far as they are known."""
    return {routes[subject] for subject in about if subject in routes}


def subjects(command: Command) -> tuple[Subject, ...]:
    """What the command is about; the first is what its receipt stands with."""
    match command:
        case commands.HoldCommand():
            return (("hold", command.hold),)
        case commands.CancelBooking() | commands.StaffOnBooking():
            return (("booking", command.booking),)
        case commands.RescheduleBooking():  # where it goes to comes first: that stays the same when it is asked again
            return ("slot", command.slot), ("booking", command.booking)
    slot = getattr(command, "slot", None)
    return (("calendar", cast("Any", command).calendar) if slot is None else ("slot", slot),)


def is_permanent(subject: Subject) -> bool:
    """Whether the service never changes its calendar."""
    return subject[0] != "booking"


def read_routes(db: Database, wanted: Collection[Subject]) -> Routes:
    """The calendars of all that there are; one statement for each kind. A calendar's is itself, if it exists or not."""
    routes: Routes = {(kind, name): name for kind, name in wanted if kind == "calendar" and SLUG.fullmatch(name)}
    for kind, statement in _routes.items():
        ids = [subject for of, subject in wanted if of == kind and UUID.fullmatch(subject)]
        for place in range(0, len(ids), IDS_A_READ):
            routes |= {(kind, row[0]): row[1] for row in statement.rows(db, ids[place : place + IDS_A_READ])}
    return routes
