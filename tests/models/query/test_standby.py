"""Snapshots come from the replica, and are never older than the database's."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import psycopg
import pytest

from models.contract.errors import NotFound
from models.query import standby as module
from models.service import SlotService, Snapshot
from tests.models.driver import EVER, Driver
from tests.support import wait_until
from tests.support.databases.postgres import Postgres, Standby

pytestmark = pytest.mark.only("postgres")


@pytest.fixture(scope="module")
def standby() -> Iterator[Standby]:
    """Run a PostgreSQL of this module's own with a replica."""
    postgres = Postgres()
    with Standby(postgres) as standby:
        yield standby
    postgres.close()


@pytest.fixture
def database(kind: str, standby: Standby) -> str:
    return standby._postgres.new_url()


@pytest.fixture
def reader(driver: Driver, standby: Standby) -> Iterator[SlotService]:
    """Return a service with the replica, which has the calendar by now."""
    url = driver.service.url
    reader = SlotService(url, driver.service.secret, clock=driver.clock, replica_url=standby.url_of(url))
    reader.open()

    def is_used() -> bool:
        look(reader)
        assert reader.standby is not None
        return reader.standby.reads["used"] > 0

    wait_until(is_used, what="the replica")
    yield reader
    reader.close()


def look(service: SlotService, calendar: str = "room") -> Snapshot:
    return service.snapshot(calendar, -EVER, EVER)


def outcomes(service: SlotService) -> dict[str, int]:
    assert service.standby is not None
    return dict(service.standby.reads)


def test_a_replica_that_is_behind_shows_nothing_old(driver: Driver, reader: SlotService, standby: Standby) -> None:
    before = outcomes(reader)
    standby.pause()
    slots = driver.open(3)
    assert look(reader).seq == 1
    assert {slot.id for slot in look(reader).slots} == set(slots)
    driver.create("new")
    assert look(reader, "new").seq == 0
    assert outcomes(reader) == before | {"behind": before["behind"] + 3}
    standby.resume()

    def has_caught_up() -> bool:
        look(reader)
        return outcomes(reader)["used"] > before["used"]

    wait_until(has_caught_up, what="the replica")
    assert {slot.id for slot in look(reader).slots} == set(slots)


def test_a_calendar_that_is_nowhere_is_not_found(reader: SlotService) -> None:
    with pytest.raises(NotFound):
        look(reader, "nowhere")


def test_a_replica_with_another_history_is_not_believed(driver: Driver, reader: SlotService, standby: Standby) -> None:
    """As after a restore of the database alone: the seq is the same, and the nonce is another."""
    standby.pause()
    with psycopg.connect(driver.service.url) as connection:
        connection.execute("SET LOCAL slotcast.service = 'on'")  # no outside write
        connection.execute("UPDATE calendar SET nonce = 'restored' WHERE id = 'room'")
    before = outcomes(reader)
    assert look(reader).nonce == "restored", "the replica has the other nonce"
    standby.resume()
    assert outcomes(reader)["behind"] == before["behind"] + 1


def test_a_frozen_replica_costs_one_reader_some_seconds(
    driver: Driver, reader: SlotService, standby: Standby, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its connections stay open. The reads go on with the database, and it is used again when it answers."""
    monkeypatch.setattr(module, "REST_SECONDS", 0.5)
    before = outcomes(reader)
    with standby.frozen():
        began = time.monotonic()
        driver.open(3)
        assert look(reader).seq == 1
        assert time.monotonic() - began < module.ANSWER_SECONDS + 2 * module.CONNECT_SECONDS
        assert outcomes(reader)["down"] == before["down"] + 1
        time.sleep(module.REST_SECONDS)

        def look_and_close() -> None:
            look(reader)
            reader.close_thread_connection()

        trying = threading.Thread(target=look_and_close)
        trying.start()
        time.sleep(0.1)
        began = time.monotonic()
        assert look(reader).seq == 1
        assert time.monotonic() - began < 0.5, "one reader tries the replica, and the others do not wait for it"
        trying.join()

    def is_used() -> bool:
        look(reader)
        return outcomes(reader)["used"] > before["used"]

    wait_until(is_used, what="the replica")


def test_a_dead_replica_costs_a_moment(
    driver: Driver, reader: SlotService, standby: Standby, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The last test of the module: it ends the replica. Reads go on, and it is left alone for a while."""
    standby.stop()
    driver.open(3)
    assert look(reader).seq == 1
    assert outcomes(reader)["down"] == 1
    look(reader)
    assert outcomes(reader)["down"] == 1
    monkeypatch.setattr(module, "REST_SECONDS", 0.0)
    assert reader.standby is not None
    reader.standby._rests_until = 0.0
    look(reader)
    assert outcomes(reader)["down"] == 2
