"""A hidden calendar: one that is not there answers as a private one does."""

import pytest

from models.contract.commands.bookings import EraseCustomers, GetBooking, ListBookings
from models.contract.commands.calendars import ListFeeds, MakeLink
from models.contract.errors import Forbidden, NotFound, Refused, Unauthorized
from models.contract.principal import ANONYMOUS, OPERATOR, Principal, Role
from realtime.access.visibility import check_read, hiding

OTHER = Principal(subject="someone", calendars=frozenset({"other"}))


@pytest.mark.parametrize(("principal", "kind"), [(ANONYMOUS, Unauthorized), (OTHER, Forbidden), (OPERATOR, NotFound)])
def test_a_missing_calendar_is_refused_as_a_private_one(principal: Principal, kind: type[Refused]) -> None:
    """Only a principal that may see it is told that it is not there."""
    with pytest.raises(kind), hiding("room", principal):
        raise NotFound(what="calendar")


def test_a_read_needs_its_role() -> None:
    """In its calendar, or anywhere for a search; then it has those calendars."""
    mixed = Principal(subject="eve", calendars=frozenset({"a", "b"}), roles=(("a", Role.STAFF), ("b", Role.VIEWER)))
    assert check_read(ListFeeds(calendar="b"), mixed) == ("b",)
    assert check_read(ListBookings(), mixed) == ("a", "b")
    assert check_read(EraseCustomers(email="x"), mixed) == ("a",)
    assert check_read(ListBookings(), OPERATOR) is None
    assert check_read(GetBooking(booking="b"), ANONYMOUS) == ()
    for request in (ListFeeds(calendar="other"), ListBookings(), MakeLink(calendar="other")):
        with pytest.raises(Forbidden):
            check_read(request, OTHER)


def test_anything_else_that_is_missing_stays_missing() -> None:
    """A slot of a calendar that may be seen is not found."""
    with pytest.raises(NotFound), hiding("room", ANONYMOUS):
        raise NotFound(what="slot")
