"""A driver for the tests of models: a clock to be set, short forms of commands, and a viewer."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec

from models.contract.changes import read_cursor, with_bookings
from models.contract.commands.background import SetBusy, TrimLog
from models.contract.commands.bookings import BookSlot, CancelBooking, Person, RescheduleBooking, StaffOnBooking
from models.contract.commands.calendars import AddBusy, CreateCalendar
from models.contract.commands.command import Answer, Command
from models.contract.commands.holds import ExtendHold, HeldSeat, HoldSlot, ReleaseHold
from models.contract.commands.slots import NewSlot, OpenSlots
from models.contract.errors import Refused
from models.contract.principal import Principal, Role
from models.contract.values.time import HOUR, SECOND, read_time
from models.service import Outcome, SlotService
from models.writing.router import Router
from models.writing.writer import Writer
from tests.models.database_audit import query
from tests.support import wait_until
from tests.support.clients.replica import Replica

START = 1_799_020_800_000  # 2027-01-04T00:00:00Z, a Monday
GUEST = Principal(address="192.0.2.1")
OTHER = Principal(address="198.51.100.7")
STAFF = Principal(subject="staff", role=Role.STAFF, calendars=None)
EVER = 1 << 52

_keys = itertools.count()


def new_key() -> str:
    """Return a key of no other command, long enough for a guest."""
    return f"a-key-of-the-tests-{next(_keys):08}"


@dataclass
class FakeClock:
    """A clock that only `go` moves."""

    now: int = START

    def __call__(self) -> int:
        return self.now

    def go(self, seconds: float) -> None:
        self.now += int(seconds * SECOND)


def results(answer: Answer) -> Any:
    """Return the value of the answer's only field."""
    value, *_ = msgspec.json.decode(answer.result).values()
    return value


def proof(hold: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a command about this hold."""
    return {"hold": hold["id"], "token": hold["token"]}


def held(hold: dict[str, Any]) -> HeldSeat:
    return HeldSeat(id=hold["id"], token=hold["token"])


@dataclass
class Driver:
    """A service with one calendar, `room`."""

    service: SlotService
    clock: FakeClock
    calendar: str = "room"
    _next_start: int = field(default=START + 24 * HOUR)

    @property
    def path(self) -> str:
        """Return the file of a SQLite database, or the URL of another."""
        return self.service.url.removeprefix("sqlite:///")

    def create(self, calendar: str = "", **policy: Any) -> None:
        """Make a calendar, which allows overlaps unless told otherwise."""
        policy = {"overlap": "allow", **policy}
        self.calendar = calendar or self.calendar
        self.service.run(
            CreateCalendar(principal=STAFF, calendar=self.calendar, name="Room", zone="Etc/UTC", policy=policy)
        )

    def open(self, count: int = 1, *, capacity: int = 1, start: int | None = None) -> list[str]:
        """Open one-hour slots, one after the other; return their ids."""
        first = self._next_start if start is None else start
        slots = tuple(
            NewSlot(start=first + place * HOUR, end=first + (place + 1) * HOUR, capacity=capacity)
            for place in range(count)
        )
        if start is None:
            self._next_start = first + count * HOUR
        opened: list[str] = []
        for place in range(0, count, 200):
            opened += self._open(slots[place : place + 200])
        return opened

    def open_between(self, start: int, end: int, *, capacity: int = 1) -> list[str]:
        return self._open((NewSlot(start=start, end=end, capacity=capacity),))

    def _open(self, slots: tuple[NewSlot, ...]) -> list[str]:
        """Open these slots, also at exactly the times of others."""
        command = OpenSlots(principal=STAFF, key=new_key(), calendar=self.calendar, slots=slots, duplicates=True)
        return [slot["id"] for slot in results(self.service.run(command))]

    def hold(self, slot: str, seats: int = 1, *, principal: Principal = GUEST, key: str = "") -> Any:
        return results(self.service.run(HoldSlot(principal=principal, key=key or new_key(), slot=slot, seats=seats)))

    def extend(self, hold: dict[str, Any], *, received: int = 0) -> Any:
        return results(self.service.run(ExtendHold(principal=GUEST, key=new_key(), **proof(hold), received=received)))

    def release(self, hold: dict[str, Any]) -> Any:
        return results(self.service.run(ReleaseHold(principal=GUEST, key=new_key(), **proof(hold))))

    def reserve(self, slot: str, hold: dict[str, Any] | None = None, **fields: Any) -> Any:
        """Book a slot."""
        return results(self.service.run(booking(slot, hold, **fields)))

    def cancel(self, booked: dict[str, Any], *, principal: Principal = GUEST) -> Any:
        token = booked.get("token", "")
        return results(
            self.service.run(CancelBooking(principal=principal, key=new_key(), booking=booked["id"], token=token))
        )

    def run_as_staff(self, command: type[StaffOnBooking], booked: dict[str, Any]) -> Any:
        """Run a command of staff about a booking."""
        return results(self.service.run(command(principal=STAFF, booking=booked["id"])))

    def keep_busy(self, start: int, end: int) -> None:
        """Import one busy time into the calendar."""
        text = "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
        add = AddBusy(principal=STAFF, key=new_key(), calendar=self.calendar, text=text)
        source = results(self.service.run(add))["id"]
        self.service.run(SetBusy(calendar=self.calendar, source=source, since=self.clock.now, times=((start, end),)))

    def slots(self, calendar: str = "") -> dict[str, Any]:
        """Return the slots of a fresh snapshot by their ids."""
        taken = self.service.snapshot(calendar or self.calendar, -EVER, EVER)
        return {slot.id: msgspec.json.decode(slot.body) for slot in taken.slots}

    def slot(self, slot: str) -> Any:
        return self.slots()[slot]

    def together(self, commands: Sequence[Command], *, arm: Callable[[Any], None] | None = None) -> list[Outcome]:
        """Run the commands in one batch and return their outcomes. `arm` gets the writer's connection before it."""
        entered, latch, done = threading.Event(), threading.Event(), threading.Event()
        outcomes: dict[int, list[Outcome]] = {place: [] for place in range(len(commands))}

        def wait(_: Outcome) -> None:
            if arm is not None:
                arm(self.service._db.connection())
            entered.set()
            latch.wait(30)
            if not commands:
                done.set()

        def on_outcome(place: int, outcome: Outcome) -> None:
            outcomes[place].append(outcome)
            if all(outcomes.values()):
                done.set()

        writer = self._writer()
        writer.submit(TrimLog(calendar="nobody"), wait)
        assert entered.wait(10)
        for place, command in enumerate(commands):
            self.service.submit(command, partial(on_outcome, place))
        wait_until(lambda: writer.queued + sum(map(len, outcomes.values())) == len(commands), what="the queue")
        latch.set()
        assert done.wait(60), "a command got no answer"
        self.service.check()
        assert all(len(each) == 1 for each in outcomes.values()), "a command got two answers"
        return [each[0] for each in outcomes.values()]

    def _writer(self) -> Writer:
        """Return the writer of this calendar."""
        writer = self.service._writer
        assert writer is not None
        return writer.writer_of(self.calendar) if isinstance(writer, Router) else writer

    def query(self, sql: str, *params: Any) -> list[tuple[Any, ...]]:
        """Run a query outside of the service."""
        return query(self.path, sql, *params)


def booking(slot: str, hold: dict[str, Any] | None = None, *, key: str = "", **fields: Any) -> BookSlot:
    """Return a command that books."""
    fields.setdefault("principal", GUEST)
    fields.setdefault("customer", Person(name="Ada Example", email="ada@example.org"))
    return BookSlot(key=key or new_key(), slot=slot, hold=held(hold) if hold else None, **fields)


def moving(
    booked: dict[str, Any], slot: str, hold: dict[str, Any] | None = None, *, principal: Principal = GUEST
) -> RescheduleBooking:
    """Return a command that reschedules a booking."""
    token = booked["token"] if principal is GUEST else ""
    return RescheduleBooking(
        principal=principal,
        key=new_key(),
        booking=booked["id"],
        token=token,
        slot=slot,
        hold=held(hold) if hold else None,
    )


def code(outcome: Outcome) -> str:
    """Return the refusal's code, or "ok"."""
    return outcome.code if isinstance(outcome, Refused) else "ok"


def history(driver: Driver, calendar: str = "", **about: Any) -> list[dict[str, Any]]:
    """Return the whole history of a calendar, newest first, of one slot or booking if it is given."""
    asked = {"slot": "", "booking": "", "before": EVER, "most": 10_000, **about}
    page = driver.service.history(calendar or driver.calendar, **asked)
    found: list[dict[str, Any]] = msgspec.to_builtins(page.entries)
    return found


class Viewer(Replica):
    """A replica fed by the service's own snapshot and log."""

    cursor: str

    def __init__(self, service: SlotService, calendar: str) -> None:
        super().__init__()
        self._service = service
        self.calendar = calendar
        self.look()

    @property
    def slots(self) -> dict[str, Any]:
        return self._slots

    @property
    def slots_now(self) -> dict[str, Any]:
        """The slots as a client shows them: no change says that a slot has begun, its clock does."""
        now = self._service.clock()
        return {
            name: {**slot, "bookable": slot["bookable"] and read_time(slot["start"]) > now}
            for name, slot in self.slots.items()
        }

    def look(self) -> None:
        """Take a snapshot."""
        taken = self._service.snapshot(self.calendar, -EVER, EVER, with_bookings=True)
        self.take_snapshot(
            {
                "info": msgspec.to_builtins(taken.info),
                "seq": taken.seq,
                "cursor": taken.cursor,
                "slots": [msgspec.json.decode(slot.body) for slot in taken.slots],
                "bookings": msgspec.to_builtins(taken.bookings),
            }
        )

    def follow(self) -> list[dict[str, Any]]:
        """Apply the new changes of the log with their bookings, and return them as the public sees them."""
        changes = []
        for row in self._service.new_rows({self.calendar: read_cursor(self.cursor)}).get(self.calendar, []):
            change = msgspec.json.decode(row.body)
            assert (change["seq"], change["cursor"], change["type"]) == (row.seq, row.cursor, row.type)
            if change["seq"] > self.have:
                assert change["prev"] == self.have
                assert all(slot["version"] == change["seq"] for slot in change["slots"])
            found = self._service.bookings_by_id(list(row.bookings))
            gone = [name for name in row.bookings if name not in found]
            self.apply(msgspec.json.decode(with_bookings(row.body, [*found.values()], gone)))
            changes.append(change)
        return changes

    @property
    def own_bookings(self) -> dict[str, Any]:
        """The bookings of this calendar, without those that have moved to another one."""
        return {name: one for name, one in self.bookings.items() if one["calendar"] == self.calendar}

    def check(self) -> None:
        """Old snapshot + changes == new snapshot."""
        fresh = Viewer(self._service, self.calendar)
        assert self.own_bookings == fresh.bookings
        assert self.slots_now == fresh.slots_now
        assert self.info == fresh.info
        assert (self.have, self.cursor) == (fresh.have, fresh.cursor)
