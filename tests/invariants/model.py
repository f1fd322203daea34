"""A model of the service in plain Python: lists and sums, without any cached number."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple

from models.contract.values.time import DAY, MINUTE, SECOND

GRACE = 500
HOLD = 300_000
LIVE = {"pending", "confirmed"}
ADA = "ada"  # the e-mail address of everyone
Times = tuple[int, int]


class Planned(NamedTuple):
    """A slot made from hours."""

    start: int
    end: int
    capacity: int
    data: str | None

    @property
    def times(self) -> Times:
        return self.start, self.end


@dataclass
class Hours:
    """Opening hours of every day: slots end to end, and slots of another kind in a second window.

    Days are counted from 1970.
    """

    opening: int  # in minutes
    slots: int
    minutes: int
    capacity: int
    since: int
    horizon_days: int
    own_opening: int = 0
    own_slots: int = 0
    own_minutes: int = 60
    own_capacity: int = 1
    data: str | None = None

    def expand(self, first: int, last: int) -> list[Planned]:
        days = range(max(first, self.since), last + 1)
        found: dict[Times, Planned] = {}
        for opening, slots, minutes, capacity, data in (
            (self.opening, self.slots, self.minutes, self.capacity, None),
            (self.own_opening, self.own_slots, self.own_minutes, self.own_capacity, self.data),
        ):
            for start in (day * DAY + (opening + place * minutes) * MINUTE for day in days for place in range(slots)):
                planned = Planned(start, start + minutes * MINUTE, capacity, data)
                found.setdefault(planned.times, planned)
        return [found[times] for times in sorted(found)]

    def schedule(self) -> dict[str, Any]:
        """Return the hours as a schedule on the wire."""
        window = _window(self.opening, self.slots, self.minutes)
        own = _window(self.own_opening, self.own_slots, self.own_minutes) | {
            "slot_minutes": self.own_minutes,
            "capacity": self.own_capacity,
            "data": self.data,
        }
        return {
            "windows": [*([window] if self.slots else []), *([own] if self.own_slots else [])],
            "slot_minutes": self.minutes,
            "capacity": self.capacity,
            "from": (date(1970, 1, 1) + timedelta(days=self.since)).isoformat(),
            "horizon_days": self.horizon_days,
        }

    def horizon(self, today: int) -> int:
        return max(today, self.since) + self.horizon_days - 1


def _window(opening: int, slots: int, minutes: int) -> dict[str, Any]:
    closing = (opening + slots * minutes) % 1_440
    return {"rrule": "FREQ=DAILY", "start": _clock(opening), "end": _clock(closing)}


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


@dataclass
class Calendar:
    overlap: str = "allow"
    buffer_before: int = 0
    buffer_after: int = 0
    confirmation: str = "none"
    max_holds: int = 10
    min_notice: int = 0
    max_advance: int | None = None
    cancel_notice: int = 0
    max_bookings: int | None = None
    max_bookings_per_day: int | None = None
    pending_seconds: int | None = None
    is_archived: bool = False
    hours: Hours | None = None
    generated_until: int = 0
    # The waiting slots, each with the slot in its way.
    waiting: dict[Times, tuple[Planned, str]] = field(default_factory=dict)

    @property
    def buffer(self) -> int:
        return (self.buffer_before + self.buffer_after) * SECOND

    @property
    def is_strict(self) -> bool:
        return self.overlap == "reject" or self.buffer > 0


@dataclass
class Slot:
    calendar: str
    start: int
    end: int
    capacity: int
    state: str = "open"
    is_scheduled: bool = False
    is_dropped: bool = False
    data: str | None = None


@dataclass
class Hold:
    slot: str
    seats: int
    holder: str
    created: int
    expires: int
    state: str = "active"
    overridden: tuple[str, ...] = ()


@dataclass
class Booking:
    """A booking. `caller` and `email` are what it counts for, "" for nothing.

    `expires` is the time at which a pending booking expires, `overridden` what staff passed over for it.
    """

    slot: str
    seats: int
    status: str
    caller: str = ""
    email: str = ""
    overridden: tuple[str, ...] = ()
    expires: int | None = None


class No(Exception):
    """The model refuses."""


@dataclass
class Model:
    """Each method raises No if the service must refuse. The caller then restores the model."""

    calendars: dict[str, Calendar] = field(default_factory=dict)
    slots: dict[str, Slot] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    bookings: dict[str, Booking] = field(default_factory=dict)
    now: int = 0

    def held(self, slot: str) -> int:
        return sum(hold.seats for hold in self.holds.values() if hold.slot == slot and hold.state == "active")

    def booked(self, slot: str) -> int:
        return sum(one.seats for one in self.bookings.values() if one.slot == slot and self.has_seats(one, one.status))

    def has_seats(self, booking: Booking, status: str) -> bool:
        """Say if the booking has seats in this status: a no-show has them until its slot is removed."""
        return status in LIVE or (status == "no_show" and self.slots[booking.slot].state != "removed")

    def is_expected(self, slot: str) -> bool:
        """Say if somebody holds a seat or is still to come."""
        return self.held(slot) > 0 or any(one.status in LIVE for one in self.bookings.values() if one.slot == slot)

    def taken(self, slot: str) -> int:
        return self.held(slot) + self.booked(slot)

    def left(self, slot: str) -> int:
        return self.slots[slot].capacity - self.taken(slot)

    def calendar_of(self, slot: str) -> Calendar:
        return self.calendars[self.slots[slot].calendar]

    def neighbours(self, slot: str) -> list[str]:
        me, calendar = self.slots[slot], self.calendar_of(slot)
        if not calendar.is_strict:
            return []
        others = ((name, one) for name, one in self.slots.items() if name != slot and one.calendar == me.calendar)
        buffer = calendar.buffer
        return [
            name
            for name, one in others
            if one.state != "removed" and one.start < me.end + buffer and me.start < one.end + buffer
        ]

    def has(self, slot: str, seats: int) -> bool:
        is_blocked = any(map(self.taken, self.neighbours(slot)))
        is_free = self.slots[slot].state == "open" and not is_blocked and self.left(slot) >= seats
        return is_free and not self.calendar_of(slot).is_archived

    def take(self, slot: str, seats: int) -> None:
        self.expire_in_the_way(slot, seats)
        self.need(self.has(slot, seats))

    def expire_in_the_way(self, slot: str, seats: int) -> None:
        if self.has(slot, seats):
            return
        near = {slot, *self.neighbours(slot)}
        for hold in self.holds.values():
            if hold.slot in near and hold.state == "active" and hold.expires + GRACE <= self.now:
                hold.state = "expired"

    def take_over_rules(self, slot: str, seats: int, *, is_staff: bool, checks_time: bool = True) -> tuple[str, ...]:
        """Let staff take the seats, and return the rules passed over. The caller adds the hold or booking."""
        self.need(is_staff)
        policy, here = self.in_use(self.find(slot).calendar), self.slots[slot]
        self.expire_in_the_way(slot, seats)
        ahead = here.start - self.now
        broken = {
            "past": checks_time and ahead <= 0,
            "min_notice": checks_time and policy.min_notice > 0 and ahead < policy.min_notice * SECOND,
            "max_advance": checks_time and policy.max_advance is not None and ahead > policy.max_advance * SECOND,
            "closed": here.state != "open",
            "overlap": any(map(self.taken, self.neighbours(slot))),
            "capacity": self.left(slot) < seats,
        }
        return tuple(name for name, is_broken in broken.items() if is_broken)

    def new_booking(self, slot: str, seats: int, status: str, caller: str, overridden: tuple[str, ...] = ()) -> Booking:
        booking = Booking(slot, seats, status, caller.removeprefix("staff"), ADA, overridden)
        self.note_pending(booking)
        return booking

    def note_pending(self, booking: Booking) -> None:
        """Set the time to expire of a booking that becomes pending, or take it away."""
        start, seconds = self.slots[booking.slot].start, self.calendar_of(booking.slot).pending_seconds
        last = start if seconds is None else min(start, self.now + seconds * SECOND)
        booking.expires = last if booking.status == "pending" else None

    def tidy(self) -> None:
        """Remove the dropped slots without a taken seat."""
        for name, slot in self.slots.items():
            if slot.is_dropped and not self.taken(name):
                slot.state, slot.is_dropped = "removed", False

    def need(self, is_so: object) -> None:
        if not is_so:
            raise No

    def find(self, slot: str) -> Slot:
        found = self.slots[slot]
        self.need(found.state != "removed")
        return found

    def in_use(self, calendar: str) -> Calendar:
        found = self.calendars[calendar]
        self.need(not found.is_archived)
        return found

    def check_taking(self, slot: str) -> None:
        policy = self.in_use(self.find(slot).calendar)
        ahead = self.slots[slot].start - self.now
        self.need(ahead > 0 and ahead >= policy.min_notice * SECOND)
        self.need(policy.max_advance is None or ahead <= policy.max_advance * SECOND)

    def check_leaving(self, slot: str) -> None:
        ahead = self.slots[slot].start - self.now
        self.need(ahead > 0 and ahead >= self.calendar_of(slot).cancel_notice * SECOND)

    def is_over(self, hold: Hold) -> bool:
        self.need(hold.state in {"active", "expired"})
        return hold.state == "expired" or self.now >= hold.expires

    def new_status(self, slot: str) -> str:
        return "pending" if self.calendar_of(slot).confirmation == "staff" else "confirmed"

    def check_limits(self, slot: str, caller: str, email: str, *, besides: str = "") -> None:
        """A guest's: so many bookings of slots that are not over, and so many on one day of UTC."""
        calendar, day = self.calendar_of(slot), self.slots[slot].start // DAY
        for name, value in (("caller", caller), ("email", email)):
            mine = [
                self.slots[one.slot]
                for key, one in self.bookings.items()
                if key != besides and value and getattr(one, name) == value and self.has_seats(one, one.status)
            ]
            here = [one for one in mine if one.calendar == self.slots[slot].calendar]
            in_all = sum(one.end > self.now for one in here)
            on_day = sum(one.start // DAY == day for one in here)
            is_over = self.slots[slot].end <= self.now
            self.need(is_over or calendar.max_bookings is None or in_all < calendar.max_bookings)
            self.need(calendar.max_bookings_per_day is None or on_day < calendar.max_bookings_per_day)

    # The commands of guests

    def hold(self, slot: str, seats: int, holder: str, *, override: bool = False) -> Hold:
        if not override:
            self.check_taking(slot)
        self.in_use(self.find(slot).calendar)
        calendar = self.slots[slot].calendar
        mine = [one for one in self.holds.values() if one.holder == holder and one.state == "active"]
        active = [one for one in mine if one.expires > self.now and self.slots[one.slot].calendar == calendar]
        self.need(len(active) < self.calendars[calendar].max_holds)
        if holder == "guest":
            self.check_limits(slot, holder, "")
        made = Hold(slot, seats, holder, self.now, self.now + HOLD)
        if override:
            made.overridden = self.take_over_rules(slot, seats, is_staff=holder == "staff")
        else:
            self.take(slot, seats)
        return made

    def book(self, slot: str, seats: int, caller: str, *, override: bool = False) -> Booking:
        if override:
            passed = self.take_over_rules(slot, seats, is_staff=caller == "staff")
            return self.new_booking(slot, seats, "confirmed", caller, passed)
        self.check_taking(slot)
        if caller == "guest":
            self.check_limits(slot, caller, ADA)
        self.take(slot, seats)
        return self.new_booking(slot, seats, self.new_status(slot), caller)

    def book_held(self, name: str, seats: int | None, *, if_still_free: bool) -> Booking:
        hold = self.holds[name]
        self.find(hold.slot)
        count = hold.seats if seats is None else seats
        self.need(count <= hold.seats)
        self.check_limits(hold.slot, "guest", ADA)
        if self.is_over(hold):
            self.need(if_still_free)
            self.check_taking(hold.slot)
            hold.state = "expired"
            self.take(hold.slot, count)
        else:
            hold.state = "booked"
        overridden = hold.overridden if hold.state == "booked" else ()
        return self.new_booking(hold.slot, count, self.new_status(hold.slot), "guest", overridden)

    def extend(self, name: str) -> None:
        hold = self.holds[name]
        self.need(not self.is_over(hold))
        hold.expires = max(hold.expires, min(self.now + HOLD, hold.created + 2 * HOLD))

    def release(self, name: str) -> None:
        hold = self.holds[name]
        self.need(hold.state != "booked")
        if hold.state == "active":
            hold.state = "released"

    def cancel(self, name: str, *, is_staff: bool) -> None:
        booking = self.bookings[name]
        if booking.status != "cancelled":
            self.need(booking.status in LIVE)
            if not is_staff:
                self.check_leaving(booking.slot)
            booking.status, booking.expires = "cancelled", None

    def mark(self, name: str, status: str, *, of: set[str]) -> None:
        """Set the status of a booking with one of the statuses `of`; idempotent."""
        booking = self.bookings[name]
        self.need(booking.status in of | {status})
        booking.status, booking.expires = status, None

    def reinstate(self, name: str, *, override: bool = False) -> None:
        """Confirm a booking again; one that gave its seats back takes them anew."""
        booking = self.bookings[name]
        if booking.status == "confirmed":
            return
        self.need(booking.status in {"no_show", "cancelled", "rejected"})
        self.find(booking.slot)
        if booking.status != "no_show":
            self.in_use(self.slots[booking.slot].calendar)
            if override:
                booking.overridden = self.take_over_rules(booking.slot, booking.seats, is_staff=True, checks_time=False)
            else:
                self.take(booking.slot, booking.seats)
                booking.overridden = ()
        booking.status = "confirmed"

    def change_seats(self, name: str, seats: int, *, override: bool, is_staff: bool) -> None:
        booking = self.bookings[name]
        self.need(is_staff or (booking.status in LIVE and not override))
        if seats == booking.seats:
            return
        self.need(booking.status in LIVE)
        self.in_use(self.slots[booking.slot].calendar)
        more = seats - booking.seats
        if more < 0:
            if not is_staff:
                self.check_leaving(booking.slot)
        elif override:
            passed = self.take_over_rules(booking.slot, more, is_staff=is_staff)
            booking.overridden = tuple(dict.fromkeys((*booking.overridden, *passed)))
        else:
            self.check_taking(booking.slot)
            self.take(booking.slot, more)
        booking.seats = seats
        if more > 0 and not is_staff and booking.status == "confirmed":
            booking.status = self.new_status(booking.slot)
            self.note_pending(booking)

    def expire_bookings(self, calendar: str) -> None:
        for booking in self.bookings.values():
            is_here = self.slots[booking.slot].calendar == calendar
            if is_here and booking.status == "pending" and (booking.expires or 0) <= self.now:
                booking.status, booking.expires = "rejected", None

    def erase(self, name: str) -> None:
        """Forget the customer, and what the booking counts for."""
        self.bookings[name].caller = self.bookings[name].email = ""

    def miss(self, name: str) -> None:
        """Mark a no-show, after the slot has begun."""
        if self.bookings[name].status != "no_show":
            self.need(self.slots[self.bookings[name].slot].start <= self.now)
        self.mark(name, "no_show", of={"confirmed"})

    def move(self, name: str, slot: str, hold_name: str | None, *, is_staff: bool, override: bool = False) -> None:
        booking = self.bookings[name]
        self.need(booking.status in LIVE and (is_staff or not override))
        self.find(slot)
        if slot == booking.slot:
            return
        if not is_staff:
            self.check_leaving(booking.slot)
            self.check_limits(slot, booking.caller, booking.email, besides=name)
        status = "confirmed" if override else booking.status if is_staff else self.new_status(slot)
        booking.status = "moving"
        overridden: tuple[str, ...] = ()
        if hold_name is None and override:
            overridden = self.take_over_rules(slot, booking.seats, is_staff=is_staff)
        elif hold_name is None:
            self.check_taking(slot)
            self.take(slot, booking.seats)
        else:
            hold = self.holds[hold_name]
            self.need(not self.is_over(hold) and booking.seats <= hold.seats)
            hold.state = "booked"
            overridden = hold.overridden
        booking.slot, booking.status, booking.overridden = slot, status, overridden
        self.note_pending(booking)

    # Commands of staff, and the clock

    def find_to_change(self, slot: str) -> Slot:
        found = self.find(slot)
        self.in_use(found.calendar)
        return found

    def open(self, calendar: str, start: int, end: int, *, twice: bool) -> None:
        """Check that a slot may be opened; where only one could be taken, the same times come twice only if asked."""
        found = self.in_use(calendar)
        here = [one for one in self.slots.values() if one.calendar == calendar and one.state != "removed"]
        self.need(twice or not found.is_strict or (start, end) not in {(one.start, one.end) for one in here})

    def close(self, slot: str) -> None:
        self.find_to_change(slot).state = "closed"

    def reopen(self, slot: str) -> None:
        found = self.find_to_change(slot)
        found.state, found.is_dropped = "open", False

    def remove(self, slot: str) -> None:
        found = self.find_to_change(slot)
        self.need(not self.is_expected(slot))
        found.state = "removed"

    def resize(self, slot: str, capacity: int) -> None:
        found = self.find_to_change(slot)
        self.need(capacity >= min(found.capacity, self.taken(slot)))
        found.capacity = capacity

    def retime(self, slot: str, start: int, end: int, *, is_along: bool = False, override: bool = False) -> None:
        found = self.find_to_change(slot)
        if (start, end) == (found.start, found.end):
            return
        self.need(is_along or not self.taken(slot))
        before, found.start, found.end = found.start, start, end
        is_free = override or not self.taken(slot) or not any(map(self.taken, self.neighbours(slot)))
        self.need(is_free)
        for one in self.bookings.values():
            if one.slot == slot and one.expires is not None:
                one.expires = start if one.expires == before or one.expires > start else one.expires

    def update(self, calendar: str, policy: dict[str, Any]) -> None:
        found = self.in_use(calendar)
        for name, value in policy.items():
            setattr(found, name, value)

    def archive(self, calendar: str) -> None:
        ahead = [name for name, one in self.slots.items() if one.calendar == calendar and one.end > self.now]
        self.need(self.calendars[calendar].is_archived or not any(map(self.is_expected, ahead)))
        self.calendars[calendar].is_archived = True

    def restore(self, calendar: str) -> None:
        self.calendars[calendar].is_archived = False

    def expire_holds(self, calendar: str) -> None:
        for hold in self.holds.values():
            is_here = self.slots[hold.slot].calendar == calendar
            if is_here and hold.state == "active" and hold.expires + GRACE <= self.now:
                hold.state = "expired"
