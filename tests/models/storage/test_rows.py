"""The rows: each type has the columns of its table, in their order."""

from __future__ import annotations

from typing import Any

import pytest

from models.storage.rows import BookingRow, CalendarRow, FeedRow, HoldRow, SlotRow
from models.storage.seat_guard import SLOT_COLUMNS
from models.storage.tables import Booking, Calendar, Hold, PrivateFeed, columns

PAIRS = [(CalendarRow, Calendar), (HoldRow, Hold), (BookingRow, Booking), (FeedRow, PrivateFeed)]


@pytest.mark.parametrize(("row", "table"), PAIRS, ids=lambda one: str(one.__name__))
def test_a_row_has_the_columns_of_its_table(row: Any, table: Any) -> None:
    """Rows are read by their position, so another order would mix fields up."""
    assert [getattr(column, "name", "") for column in columns(table)] == list(row._fields)


def test_a_slot_also_has_the_guards_answer() -> None:
    """It is the last one."""
    names = [getattr(column, "name", "") for column in SLOT_COLUMNS[:-1]]
    assert (*names, "bookable") == SlotRow._fields


@pytest.mark.parametrize(("held", "booked", "remaining"), [(0, 0, 2), (1, 1, 0), (0, 3, 0)])
def test_an_overbooked_slot_has_no_seat_left(held: int, booked: int, remaining: int) -> None:
    """The number is never negative."""
    fields = dict.fromkeys(SlotRow._fields, 0) | {"capacity": 2, "held": held, "booked": booked}
    assert SlotRow(**fields).remaining == remaining  # type: ignore[arg-type]
