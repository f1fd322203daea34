"""The watch tells of each change once it is committed, and reads only what is new."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from peewee import OperationalError

from models.contract.commands.background import TrimLog
from models.contract.commands.calendars import CreateCalendar, UpdateCalendar
from models.contract.principal import OPERATOR
from models.service import CommitWatch, News, SlotService
from models.storage.commits.notifications import Heard
from models.storage.database import open_database
from tests.models.driver import Driver

INSERT = (
    "INSERT INTO change_log (calendar, seq, nonce, at, type, body, bookings, follows)"
    " VALUES ('{}', {}, 'x', 0, 'slot.updated', '', '', '')"
)


@pytest.fixture
def watch(driver: Driver) -> Iterator[CommitWatch]:
    watch = driver.service.watch()
    watch.look()
    yield watch
    watch.close()


def test_it_names_the_calendars_with_changes_and_their_last_seq(driver: Driver, watch: CommitWatch) -> None:
    driver.create("other")
    driver.open()
    driver.open()
    driver.create("third")
    driver.open()
    assert watch.look() == News({"other": 2, "third": 1}, has_notes=False)
    assert watch.look() is None


def test_the_direct_way_is_taken_while_it_is_open(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """The watch goes by the usual way otherwise, and misses nothing by a change between the two."""
    usual, direct = driver.service._db, open_database(driver.service.url)
    watch = CommitWatch(usual, None, None, direct)
    usual.close()
    with monkeypatch.context() as closed:
        closed.setattr(direct, "_connect", lambda: (_ for _ in ()).throw(OperationalError("closed")))
        watch.look()
        assert direct.is_closed()
        driver.open()
        assert watch.look() == News({"room": 1}, has_notes=False)
    driver.open()
    watch._direct_at = 0.0
    assert watch.look() == News({"room": 2}, has_notes=False)
    assert not direct.is_closed()
    assert usual.is_closed()
    watch.close()


def test_a_restored_copy_of_the_database_makes_every_calendar_suspect(driver: Driver, watch: CommitWatch) -> None:
    """The copy has other changes after the same seq, so a position alone shows nothing."""
    driver.open()
    watch.look_closely()
    driver.query("UPDATE change_log SET nonce = 'other' WHERE seq = 1")
    assert watch.look_closely().last is None
    assert watch.look_closely().last == {}
    driver.query("UPDATE change_log SET nonce = (SELECT nonce FROM calendar)")


def test_a_log_that_was_trimmed_to_nothing_is_no_restored_copy_for_ever(driver: Driver, watch: CommitWatch) -> None:
    watch.look_closely()
    driver.clock.go(30 * 86_400)
    driver.service.run(TrimLog(calendar="room"))
    watch.look_closely()
    assert watch.look_closely().last == {}


@pytest.mark.only("sqlite")
def test_a_look_at_a_quiet_database_runs_no_statement(
    driver: Driver, watch: CommitWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file of the last commits has not been written for a while, so there is none to find."""
    os.utime(f"{driver.path}-wal", (1, 1))
    assert watch.look() is None
    with monkeypatch.context() as patch:
        patch.setattr(driver.service._db, "execute_sql", None)
        assert watch.look() is None
    driver.open()
    assert watch.look() == News({"room": 1}, has_notes=False)


@pytest.mark.only("sqlite")
def test_a_log_that_ends_before_the_position_makes_every_calendar_suspect(driver: Driver, watch: CommitWatch) -> None:
    driver.open()
    watch.look()
    kept = driver.query("SELECT * FROM change_log WHERE seq = 1")
    driver.query("DELETE FROM change_log WHERE seq = 1")
    assert watch.look() == News(None, has_notes=False)
    marks = ", ".join(f"x'{value.hex()}'" if isinstance(value, bytes) else repr(value) for value in kept[0])
    driver.query(f"INSERT INTO change_log VALUES ({marks})")


@pytest.mark.only("sqlite")
def test_a_look_reads_the_new_rows_by_their_position(driver: Driver) -> None:
    plans: list[Any] = driver.query(
        "EXPLAIN QUERY PLAN SELECT calendar, MAX(seq) FROM change_log NOT INDEXED WHERE position > 1 GROUP BY calendar"
    )
    assert "USING INTEGER PRIMARY KEY (rowid>?)" in plans[0][-1]


@pytest.mark.only("postgres")
def test_the_watch_tells_of_a_transaction_once_it_is_committed(driver: Driver, watch: CommitWatch) -> None:
    with psycopg.connect(driver.service.url) as other:
        other.execute("UPDATE calendar SET name = 'Other' WHERE id = 'room'")
        assert watch.look() is None
        other.commit()
    assert watch.look() == News({}, has_notes=True)
    for command in driver.service.outside():
        driver.service.run(command)


@pytest.mark.only("postgres")
def test_a_change_that_began_first_and_is_committed_last_is_not_missed(driver: Driver, watch: CommitWatch) -> None:
    """Its position is behind that of a change that the watch has already told of."""
    driver.create("other")
    watch.look()
    with psycopg.connect(driver.service.url) as first, psycopg.connect(driver.service.url) as second:
        first.execute("SELECT pg_current_xact_id()")
        second.execute(INSERT.format("other", 1))
        second.commit()
        assert watch.look() == News({"other": 1}, has_notes=False)
        first.execute(INSERT.format("room", 1))
        first.commit()
    news = watch.look()
    assert news is not None
    assert news.last is not None
    assert news.last["room"] == 1
    driver.query("DELETE FROM change_log WHERE nonce = 'x'")


@pytest.mark.only("postgres")
def test_a_dump_from_another_server_brings_no_positions(driver: Driver) -> None:
    """They would be ahead of every change of this server."""
    driver.open()
    driver.query("UPDATE change_log SET position = 1::bigint << 40")
    driver.service.close()
    driver.service.open()
    watch = driver.service.watch()
    watch.look()
    assert watch.look() is None
    watch.close()


@pytest.mark.only("sqlite")
def test_a_told_watch_waits_for_the_news(open_service: Callable[..., SlotService]) -> None:
    """It does not look at the file by itself: the writer's process says when others have committed."""
    watch = open_service(writers=0).watch()
    watch.look()
    service = open_service()
    service.run(CreateCalendar(principal=OPERATOR, calendar="told", name="Told", zone="UTC"))
    assert watch.wait(0.05) == Heard([], must_look=False)
    watch.wake()
    assert watch.wait(60.0) == Heard([], must_look=True)
    service.run(UpdateCalendar(principal=OPERATOR, calendar="told", name="Other"))
    assert watch.look() == News({"told": 1}, has_notes=False)
    watch.close()
