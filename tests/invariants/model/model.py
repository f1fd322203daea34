"""A model of the service in plain Python: its commands."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.invariants.model.rows import Booking, Hold, Slot
from tests.invariants.model.rules import ADA, GRACE, LIVE, Rules

HOLD = 300_000


@dataclass
class Model(Rules):
    """Each method raises No if the service must refuse. The caller then restores the model."""

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

    def resize(self, slot: str, capacity: int, *, override: bool = False) -> None:
        found = self.find_to_change(slot)
        self.need(override or capacity >= min(found.capacity, self.taken(slot)))
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
