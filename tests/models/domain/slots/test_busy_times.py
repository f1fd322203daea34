"""The mark of a slot that overlaps a busy time."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from models.contract.commands.slots import UpdateSlot
from models.contract.values.time import HOUR
from models.domain.slots.busy_times import merged
from tests.models.driver import STAFF, Driver

_spans = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 9)).map(lambda span: (span[0], span[0] + span[1])))


@given(_spans)
def test_merged_spans_cover_the_same_times(spans: list[tuple[int, int]]) -> None:
    """They are in order, do not touch, and have the times of the spans and no others."""
    found = merged(spans)
    assert all(one[1] < other[0] for one, other in pairwise(found))
    assert {at for start, end in found for at in range(start, end)} == {
        at for start, end in spans for at in range(start, end)
    }


def test_a_slot_has_the_mark_of_its_own_times(driver: Driver) -> None:
    """The mark is set with the slot and with its times; a time that only touches is none."""
    begin = driver.clock.now + 24 * HOUR
    driver.keep_busy(begin + HOUR, begin + 2 * HOUR)
    before, inside, after = driver.open(3, start=begin)
    assert [driver.slot(slot)["bookable"] for slot in (before, inside, after)] == [True, False, True]
    driver.service.run(UpdateSlot(principal=STAFF, slot=inside, start=begin + 5 * HOUR, end=begin + 6 * HOUR))
    driver.service.run(UpdateSlot(principal=STAFF, slot=after, start=begin + HOUR, end=begin + HOUR + 1))
    assert [driver.slot(slot)["bookable"] for slot in (before, inside, after)] == [True, True, False]
