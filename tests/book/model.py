"""The book in plain Python, for a machine to compare with: lists, sums, and nothing that could be forgotten."""

from __future__ import annotations

from dataclasses import dataclass, field

GRACE = 500
HOLD = 300_000


@dataclass
class Slot:
    calendar: str
    start: int
    end: int
    capacity: int
    state: str = "open"


@dataclass
class Hold:
    slot: str
    seats: int
    created: int
    expires: int
    state: str = "active"


@dataclass
class Booking:
    slot: str
    seats: int
    status: str = "confirmed"


class No(Exception):
    """The model refuses."""


@dataclass
class Model:
    """Each method raises No where the book is to refuse; the caller then puts the model back as it was."""

    strict: dict[str, bool]
    slots: dict[str, Slot] = field(default_factory=dict)
    holds: dict[str, Hold] = field(default_factory=dict)
    bookings: dict[str, Booking] = field(default_factory=dict)
    now: int = 0

    def held(self, slot: str) -> int:
        return sum(hold.seats for hold in self.holds.values() if hold.slot == slot and hold.state == "active")

    def booked(self, slot: str) -> int:
        live = (one for one in self.bookings.values() if one.status in {"confirmed", "no_show"})
        return sum(one.seats for one in live if one.slot == slot)

    def left(self, slot: str) -> int:
        return self.slots[slot].capacity - self.held(slot) - self.booked(slot)

    def neighbours(self, slot: str) -> list[str]:
        me = self.slots[slot]
        if not self.strict[me.calendar]:
            return []
        others = ((name, one) for name, one in self.slots.items() if name != slot and one.calendar == me.calendar)
        return [name for name, one in others if one.state != "removed" and one.start < me.end and me.start < one.end]

    def is_blocked(self, slot: str) -> bool:
        return any(self.held(one) + self.booked(one) for one in self.neighbours(slot))

    def has(self, slot: str, seats: int) -> bool:
        return self.slots[slot].state == "open" and not self.is_blocked(slot) and self.left(slot) >= seats

    def take(self, slot: str, seats: int) -> None:
        if self.has(slot, seats):
            return
        near = {slot, *self.neighbours(slot)}
        for hold in self.holds.values():
            if hold.slot in near and hold.state == "active" and hold.expires + GRACE <= self.now:
                hold.state = "expired"
        self.need(self.has(slot, seats))

    def need(self, is_so: object) -> None:
        if not is_so:
            raise No

    def find(self, slot: str) -> Slot:
        found = self.slots[slot]
        self.need(found.state != "removed")
        return found

    def is_over(self, hold: Hold) -> bool:
        self.need(hold.state in {"active", "expired"})
        return hold.state == "expired" or self.now >= hold.expires

    # What can be asked

    def hold(self, slot: str, seats: int) -> Hold:
        self.find(slot)
        self.take(slot, seats)
        return Hold(slot, seats, self.now, self.now + HOLD)

    def book(self, slot: str, seats: int) -> Booking:
        self.find(slot)
        self.take(slot, seats)
        return Booking(slot, seats)

    def book_held(self, name: str, seats: int | None, *, if_still_free: bool) -> Booking:
        hold = self.holds[name]
        self.find(hold.slot)
        count = hold.seats if seats is None else seats
        self.need(count <= hold.seats)
        if self.is_over(hold):
            self.need(if_still_free)
            hold.state = "expired"
            self.take(hold.slot, count)
        else:
            hold.state = "booked"
        return Booking(hold.slot, count)

    def extend(self, name: str) -> None:
        hold = self.holds[name]
        self.need(not self.is_over(hold))
        hold.expires = max(hold.expires, min(self.now + HOLD, hold.created + 2 * HOLD))

    def release(self, name: str) -> None:
        hold = self.holds[name]
        self.need(hold.state != "booked")
        if hold.state == "active":
            hold.state = "released"

    def cancel(self, name: str) -> None:
        booking = self.bookings[name]
        self.need(booking.status != "no_show")
        booking.status = "cancelled"

    def mark_no_show(self, name: str) -> None:
        booking = self.bookings[name]
        self.need(booking.status != "cancelled")
        booking.status = "no_show"

    def move(self, name: str, slot: str, hold_name: str | None) -> None:
        booking = self.bookings[name]
        self.need(booking.status == "confirmed")
        self.find(slot)
        if slot == booking.slot:
            return
        if hold_name is not None:
            hold = self.holds[hold_name]
            self.need(hold.slot == slot and not self.is_over(hold) and booking.seats <= hold.seats)
            hold.state = "booked"
        booking.status = "moving"
        if hold_name is None:
            self.take(slot, booking.seats)
        booking.slot, booking.status = slot, "confirmed"

    def set_state(self, slot: str, state: str) -> None:
        self.find(slot).state = state

    def remove(self, slot: str) -> None:
        found = self.find(slot)
        self.need(self.held(slot) + self.booked(slot) == 0)
        found.state = "removed"

    def resize(self, slot: str, capacity: int) -> None:
        found = self.find(slot)
        self.need(capacity >= self.held(slot) + self.booked(slot))
        found.capacity = capacity

    def sweep(self, calendar: str) -> None:
        for hold in self.holds.values():
            is_here = self.slots[hold.slot].calendar == calendar
            if is_here and hold.state == "active" and hold.expires + GRACE <= self.now:
                hold.state = "expired"
