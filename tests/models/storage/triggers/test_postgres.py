"""PostgreSQL's triggers: TRUNCATE, COPY, MERGE and a replica's role."""

from __future__ import annotations

import psycopg
import pytest

from tests.models.driver import Viewer
from tests.models.outside import AT, ROWS, Outside, slot_row, sql, take, uuid
from tests.support.databases.outsider import Refused

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


@pytest.mark.only("postgres")
def test_temporary_tables_hide_no_table(outside: Outside) -> None:
    """A session's staging tables may have the names of these tables."""
    outside.write(slot_row(1))
    ((home,),) = outside.driver.query("SELECT current_schema()")
    hide = "".join(
        f"CREATE TEMP TABLE {table} AS SELECT * FROM {home}.{table} WHERE false;"
        for table in ("calendar", "slot", "hold", "booking", "touched")
    )
    booked = f"INSERT INTO {home}.booking (calendar, slot, seats) VALUES ('room', '{uuid(1)}', 1);"
    assert outside.write(hide + booked)
    assert outside.viewer.slots[uuid(1)]["remaining"] == 0
    with pytest.raises(Refused):
        outside.write(hide + booked)
    outside.write(f"{hide}UPDATE {home}.slot SET capacity = 2 WHERE id = '{uuid(1)}'")
    assert outside.viewer.slots[uuid(1)]["remaining"] == 1


@pytest.mark.only("postgres")
@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_truncate_is_refused_where_it_sees_less_than_it_deletes(outside: Outside, level: str) -> None:
    """A transaction with an old snapshot would delete bookings made since, and could not note them."""
    driver = outside.driver
    slot, other = driver.open(2)
    driver.reserve(slot)
    outside.viewer.follow()
    with psycopg.connect(driver.path) as connection:
        connection.execute(f"SET TRANSACTION ISOLATION LEVEL {level}")
        connection.execute("SELECT 1 FROM booking")
        driver.reserve(other)
        outside.viewer.follow()
        for table in ("hold", "booking", "slot", "calendar"):
            with (
                pytest.raises(psycopg.errors.FeatureNotSupported, match="READ COMMITTED"),
                connection.transaction(),
            ):
                connection.execute(f"TRUNCATE {table} CASCADE")
    take(driver.service)
    outside.viewer.follow()
    outside.viewer.check()
    assert len(outside.viewer.bookings) == 2
