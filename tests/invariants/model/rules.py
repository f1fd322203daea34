"""The rules of the model: lists and sums over all holds and bookings."""

from __future__ import annotations

from dataclasses import dataclass, field

from models.contract.values.time import DAY, SECOND
from tests.invariants.model.rows import Booking, Calendar, Hold, No, Slot

GRACE = 500
LIVE = {"pending", "confirmed"}
ADA = "ada"  # the e-mail address of everyone


@dataclass
class Rules:
    """The state of the model. Each method of a check raises No if the service must refuse."""

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
