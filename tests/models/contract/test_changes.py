"""Cursors and the encodings of changes."""

import json

import pytest

from models.contract.changes import Booking, Cursor, Customer, read_cursor, with_bookings, write_cursor


@pytest.mark.parametrize(("seq", "nonce"), [(0, "a"), (42, "Zm9vYmFy"), (10**18 - 1, "n.m")])
def test_a_cursor_is_read_as_it_was_written(seq: int, nonce: str) -> None:
    """The text has the seq and the nonce of the history."""
    assert read_cursor(write_cursor(seq, nonce)) == Cursor(seq, nonce)


@pytest.mark.parametrize("text", ["", "42", "42.", ".a", "-1.a", "٣.a", "1e3.a", f"{10**18}.a", "1." + "n" * 63])
def test_another_text_is_no_cursor(text: str) -> None:
    """The cursor of no server is refused before it is looked up."""
    with pytest.raises(ValueError, match="cursor"):
        read_cursor(text)


def test_staff_of_the_old_calendar_get_no_customer() -> None:
    """A booking in another calendar has no customer in this calendar's change."""
    here, moved = (
        Booking(
            id=calendar,
            calendar=calendar,
            slot="s",
            seats=1,
            status="confirmed",
            customer=Customer(name="Ada"),
            created_at="2027-01-01T00:00:00Z",
            version=1,
        )
        for calendar in ("yoga", "chess")
    )
    change = json.loads(with_bookings(b'{"calendar":"yoga","seq":1}', [here, moved], ["gone"]))
    assert [booking["customer"] for booking in change["bookings"]] == [{"name": "Ada"}, None]
    assert change["bookings_gone"] == ["gone"]
