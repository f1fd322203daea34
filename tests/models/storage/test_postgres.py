"""PostgreSQL only: several writers at once, locks of others, and a server that stops and comes back."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from typing import Any

import pytest
from peewee import OperationalError

from models.contract.changes import Customer
from models.contract.commands.calendars import CreateCalendar
from models.contract.errors import Overloaded, Refused
from models.service import SlotService, UnusableDatabase
from models.storage.database import open_database
from models.storage.dialect import Dialect
from tests.models.crowd import Crowd
from tests.models.database_audit import audit
from tests.models.driver import STAFF, Driver, FakeClock, Viewer, booking, code, moving, new_key, results
from tests.support import wait_until
from tests.support.databases.postgres import Postgres

pytestmark = pytest.mark.only("postgres")

CONNECTIONS = 16


def test_every_seat_goes_to_one_of_sixteen_connections(
    open_service: Callable[..., SlotService], clock: FakeClock, request: pytest.FixtureRequest
) -> None:
    """Sixteen connections want the same one-seat slots at the same time: each is booked once, everyone is answered."""
    attempts = 100_000 if request.config.getoption("--long") else 5_000
    books = [open_service(writers=1) for _ in range(CONNECTIONS)]
    driver = Driver(books[0], clock)
    driver.create()
    slots = driver.open(-(-attempts // CONNECTIONS))
    crowd = Crowd()
    for slot in slots:
        crowd.wait(CONNECTIONS * 50)
        for service in books:
            crowd.ask(service, booking(slot))
    crowd.wait()
    assert crowd.codes == {"ok": len(slots), "slot_unavailable": len(slots) * (CONNECTIONS - 1)}
    assert driver.query("SELECT COUNT(*), COUNT(DISTINCT slot) FROM booking") == [(len(slots), len(slots))]
    audit(driver.path)


def test_writers_that_share_calendars_never_stop_one_another_dead(
    open_service: Callable[..., SlotService], clock: FakeClock, postgres: Postgres
) -> None:
    """Two processes with four writers each, over 20 calendars in random order, moves between them too: no deadlock."""
    books = [open_service(), open_service()]
    driver = Driver(books[0], clock)
    slots: list[str] = []
    for number in range(20):
        driver.create(f"calendar-{number}")
        slots += driver.open(30, capacity=2)
    deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    before = postgres.execute(deadlocks)
    chance = random.Random(20)
    order = chance.sample(slots, len(slots))
    booked = [results(books[0].run(booking(slot))) for slot in order[:50]]
    crowd = Crowd()
    for place, slot in enumerate(order[100:]):
        crowd.wait(400)
        for service in books:
            crowd.ask(service, booking(slot))
        if place < len(booked):
            crowd.ask(books[place % 2], moving(booked[place], order[50 + place]))
    crowd.wait()
    assert crowd.codes == {"ok": 2 * len(order[100:]) + len(booked)}
    assert postgres.execute(deadlocks) == before
    audit(driver.path)


def test_eight_servers_make_one_calendar_of_a_name(open_service: Callable[..., SlotService], clock: FakeClock) -> None:
    """A calendar has no row to lock yet: the unique key decides, and only one command makes it; a retry succeeds."""
    books = [open_service(writers=1) for _ in range(8)]
    for number in range(10):
        crowd = Crowd()
        for service in books:
            crowd.ask(service, CreateCalendar(principal=STAFF, calendar=f"new-{number}", name="New", zone="Etc/UTC"))
        crowd.wait()
        assert crowd.codes == {"ok": 1, "already_exists": 7}
        key, again = new_key(), Crowd()
        for service in books:
            again.ask(
                service, CreateCalendar(principal=STAFF, key=key, calendar=f"twin-{number}", name="N", zone="Etc/UTC")
            )
        again.wait()
        assert again.codes == {"ok": 8}
    audit(books[0].url)


def test_a_start_that_stands_still_ends(
    database: str, open_service: Callable[..., SlotService], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that freezes within its start loses the schema's lock, so that others can start."""
    monkeypatch.setattr("models.storage.postgres.SCHEMA_STANDSTILL_SECONDS", 1)
    frozen = open_database(database)
    frozen.connect()
    with pytest.raises(OperationalError), frozen.changing_schema():
        _go_on(frozen, open_service)
    frozen.drop()


def _go_on(frozen: Dialect, start: Callable[..., SlotService]) -> None:
    """Start another one, which waits for the lock, and then go on."""
    start()
    frozen.execute_sql("SELECT 1")


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_server_that_restarts_costs_nobody_a_booking(
    open_service: Callable[..., SlotService], clock: FakeClock, postgres: Postgres, mode: Any
) -> None:
    """The server stops or crashes under load and comes back: every caller is answered, every confirmed booking exists.

    A caller that repeats its key gets each booking once.
    """
    service = open_service()
    driver = Driver(service, clock)
    slots = []
    for number in range(6):
        driver.create(f"calendar-{number}")
        slots += driver.open(60)
    viewers = [Viewer(service, f"calendar-{number}") for number in range(6)]
    commands = [booking(slot) for slot in random.Random(6).sample(slots, len(slots))]
    restarting = threading.Thread(target=postgres.restart, args=(mode,))
    crowd = Crowd()
    for place, command in enumerate(commands):
        crowd.wait(0 if restarting.is_alive() else 20)  # not all of them before it is away
        if place == 60:
            restarting.start()
        crowd.ask(service, command)
        if "overloaded" in crowd.codes:  # nor all of them before it is back
            restarting.join()
    crowd.wait()
    restarting.join()
    wait_until(lambda: is_up(driver), what="the database")
    assert {"ok"} <= set(crowd.codes) <= {"ok", "overloaded"}
    answered = {results(outcome)["id"] for outcome in crowd.outcomes.values() if not isinstance(outcome, Refused)}
    kept = {row[0] for row in driver.query("SELECT id FROM booking")}
    assert answered <= kept
    again = [results(service.run(command))["id"] for command in commands]
    assert kept <= set(again)
    assert driver.query("SELECT COUNT(*), COUNT(DISTINCT slot) FROM booking") == [(len(slots), len(slots))]
    for viewer in viewers:
        viewer.follow()
        viewer.check()
    audit(driver.path)


def test_a_server_that_was_restarted_in_the_meantime_costs_nobody_anything(
    driver: Driver, postgres: Postgres, caplog: pytest.LogCaptureFixture
) -> None:
    """The connection ends between two commands, and between two reads: the next one reconnects without an error."""
    (slot, other) = driver.open(2)
    driver.reserve(slot)
    watch = driver.service.watch()
    watch.look()
    postgres.restart()
    assert driver.slot(slot)["status"] == "booked"
    assert driver.reserve(other)["status"] == "confirmed"
    assert watch.look() is not None
    watch.close()
    # A notification may be under way at the restart. It is a hint, and its loss costs one look.
    assert [record for record in caplog.records if record.name != "slotcast.notifications"] == []


def test_without_the_server_every_caller_is_overloaded(driver: Driver, postgres: Postgres) -> None:
    """Commands and questions are `overloaded` at once, not after one time-out each; all is well when it is back."""
    slots = driver.open(200)
    crowd = Crowd()
    postgres.stop()
    try:
        for slot in slots:
            crowd.ask(driver.service, booking(slot))
        crowd.wait()
        assert crowd.codes == {"overloaded": 200}
        with pytest.raises(Overloaded):
            driver.slots()
    finally:
        postgres.start()
    wait_until(lambda: is_up(driver), what="the database")
    assert driver.reserve(slots[0])["status"] == "confirmed"


def is_up(driver: Driver) -> bool:
    try:
        driver.service.check()
    except Overloaded:
        return False
    return True


PASSWORD = "pass-w0rd-of-mine"


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql://me:{PASSWORD}@127.0.0.1:1/slotcast",
        f"postgres://me:{PASSWORD}@127.0.0.1:1/slotcast",
        f"postgresql://127.0.0.1:1/slotcast?user=me&password={PASSWORD}",
        f"postgresql://me:{PASSWORD}@more@127.0.0.1:1/slotcast",
        f"postgresql://me:{PASSWORD}@[/slotcast",
        f"postgresql://me:{PASSWORD}@127.0.0.1:port/slotcast",
        f"postgresql://me:{PASSWORD}@127.0.0.1/slotcast?no_such_parameter=1",
        f"postgresql+psycopg://me:{PASSWORD}@127.0.0.1/slotcast",
        f"mysql://me:{PASSWORD}@127.0.0.1/slotcast",
        f"me:{PASSWORD}@127.0.0.1",
    ],
)
def test_a_database_that_is_not_there_is_one_line_without_its_password(url: str) -> None:
    """A fault of the setting or the server is one line without the password; so is the error's chain."""
    with pytest.raises(UnusableDatabase) as refused:
        SlotService(url, b"secret").open()
    line = str(refused.value)
    assert "SLOTCAST_DATABASE" in line
    assert "\n" not in line
    error: BaseException | None = refused.value
    while error is not None:
        assert PASSWORD not in str(error)
        error = error.__cause__


def test_a_database_in_another_encoding_is_refused(postgres: Postgres) -> None:
    """Names need every script: the server refuses to start on a database without UTF-8."""
    name = f"latin_{new_key()[-8:]}"
    postgres.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING latin1 LOCALE 'C'")
    with pytest.raises(UnusableDatabase, match="encoding is LATIN1"):
        SlotService(postgres.url.replace("/postgres?", f"/{name}?"), b"secret").open()


def test_no_error_names_a_customer(driver: Driver, caplog: pytest.LogCaptureFixture) -> None:
    """PostgreSQL adds the row to an error; the log must not have the name in it."""
    (slot,) = driver.open()
    driver.query("ALTER TABLE booking ADD CONSTRAINT nobody CHECK (name <> 'Marked Name')")
    (outcome,) = driver.together([booking(slot, customer=Customer(name="Marked Name", email="marked@example.org"))])
    assert code(outcome) == "invalid_transition"
    assert caplog.records
    assert "arked" not in caplog.text + repr(outcome)
