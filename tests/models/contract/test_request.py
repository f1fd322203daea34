"""The base of every request: its fields, and the fields of the server."""

import pytest

from models.contract.commands.bookings import BookSlot
from models.contract.commands.command import Command
from models.contract.request import LAST_MOMENT, MalformedTime, parse_moment
from models.contract.requests import EVERY_REQUEST
from tests.support.example import World

WORLD = World("room", "t", "s", "o", "h", "b", {"id": "hold", "token": "t"}, {"id": "booking", "token": "t"})


def test_the_years_of_a_time_are_bounded() -> None:
    """A time outside of the years 1 to 9999 is refused, also by its offset."""
    assert parse_moment("9999-12-31T23:59:59Z") == LAST_MOMENT
    for text in ("9999-12-31T23:59:59-00:01", "0001-01-01T00:00:00+00:01", "soon"):
        with pytest.raises(MalformedTime):
            parse_moment(text)


def test_no_client_sets_the_servers_fields() -> None:
    """They are the same for every command, and no query has one."""
    assert BookSlot.of_server == {"principal", "received"}
    for kind in EVERY_REQUEST.values():
        assert bool(kind.of_server) is issubclass(kind, Command)


@pytest.mark.parametrize("name", EVERY_REQUEST)
def test_every_request_has_an_example(name: str) -> None:
    """The tests make good fields from the declaration alone, so that a new request needs no table."""
    kind = EVERY_REQUEST[name]
    assert WORLD.shortest(name).keys() <= WORLD.request(name).keys()
    assert ("key" in WORLD.shortest(name)) is issubclass(kind, Command)
