"""PostgreSQL's triggers: TRUNCATE, COPY and a replica's role."""

from __future__ import annotations

import pytest

from tests.models.outside import AT, Outside, slot_row, uuid


@pytest.mark.only("postgres")
def test_truncate_and_copy_are_changes(outside: Outside) -> None:
    """TRUNCATE, COPY and writes in a replica's role are noticed; the last fire no ordinary trigger."""
    driver = outside.driver
    driver.reserve(driver.open(2)[0])
    driver.hold(list(driver.slots())[1])
    outside.viewer.follow()
    outside.write("TRUNCATE hold")
    outside.write("TRUNCATE booking")
    assert all(slot["bookable"] for slot in outside.viewer.slots.values())
    outside.write(f'COPY slot (id, calendar, start, "end") FROM stdin;\n{uuid(1)}\troom\t{AT}\t{AT + 1}\n\\.\n')
    assert uuid(1) in outside.viewer.slots
    outside.write(f"SET session_replication_role = replica; {slot_row(2)}")
    assert uuid(2) in outside.viewer.slots
    outside.write("TRUNCATE slot CASCADE")
    assert outside.viewer.slots == {}
