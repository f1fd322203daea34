"""PostgreSQL's triggers: TRUNCATE, COPY, MERGE and a replica's role."""

from __future__ import annotations

import pytest

from tests.models.driver import Viewer
from tests.models.outside import AT, ROWS, Outside, slot_row, sql, uuid

WAYS = (
    (
        "MERGE INTO slot USING (VALUES (<3>), (<8>)) AS given (id) ON slot.id = given.id"
        " WHEN MATCHED THEN DELETE"
        " WHEN NOT MATCHED THEN INSERT (id, calendar, start, \"end\") VALUES (given.id, 'room', <at>, <end>)"
    ),
    "MERGE INTO booking USING slot ON booking.slot = slot.id WHEN MATCHED THEN UPDATE SET seats = 2",
    "COPY booking (calendar, slot, seats) FROM stdin;\nroom\t00000000-0000-4000-8000-000000000003\t2\n\\.\n",
    "COPY hold (calendar, slot) FROM stdin;\nother\t00000000-0000-4000-8000-000000000003\n\\.\n",
    "TRUNCATE booking, hold",
    "TRUNCATE slot CASCADE",
    "SET session_replication_role = replica; UPDATE booking SET slot = <3>",
    "SET session_replication_role = replica; DELETE FROM hold; UPDATE slot SET calendar = 'other' WHERE id = <3>",
    "BEGIN ISOLATION LEVEL SERIALIZABLE; UPDATE booking SET seats = 2; DELETE FROM hold; COMMIT",
    "WITH gone AS (DELETE FROM hold RETURNING slot) UPDATE slot SET capacity = 5 FROM gone WHERE gone.slot = slot.id",
    "WITH gone AS (DELETE FROM hold RETURNING slot) INSERT INTO booking (calendar, slot) SELECT 'room', slot FROM gone",
)


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


@pytest.mark.only("postgres")
def test_every_way_to_write_is_noticed(outside: Outside) -> None:
    outside.driver.create("other")
    there = Viewer(outside.driver.service, "other")
    for way in WAYS:
        outside.write(ROWS)
        assert outside.write(sql(way)), way
        there.follow()
        there.check()
