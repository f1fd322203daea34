"""What only PostgreSQL does to the book: several writers at once, others' locks, a server that goes and comes back."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import psycopg
import pytest
from peewee import OperationalError

from models.contract.changes import Customer
from models.contract.commands import Command, CreateCalendar
from models.contract.errors import Overloaded, Refused
from models.service import Outcome, SlotService, UnusableDatabase
from models.storage.database import open_database
from models.storage.dialect import Dialect
from models.writing.router import Router
from tests.models.audit import audit
from tests.models.driver import STAFF, Driver, FakeClock, Viewer, booking, code, moving, new_key, results
from tests.support import wait_until
from tests.support.postgres import Postgres

pytestmark = pytest.mark.only("postgres")

CONNECTIONS = 16
ANSWER_SECONDS = 60


@pytest.fixture
def open_book(database: str, clock: FakeClock) -> Iterator[Callable[..., SlotService]]:
    """Opens books on the same database, each with connections of its own; all are closed at the end."""
    with ExitStack() as opened:

        def open_one(**fields: Any) -> SlotService:
            service = SlotService(database, b"a secret of the tests", clock=clock, **fields)
            service.open()
            opened.callback(service.close)
            return service

        yield open_one


class Crowd:
    """Asks without waiting, and counts how it fared; nobody may stay without an answer."""

    def __init__(self) -> None:
        self.outcomes: dict[str, Outcome] = {}
        self._waiting = 0
        self._turn = threading.Condition()

    @property
    def codes(self) -> Counter[str]:
        with self._turn:
            return Counter(code(outcome) for outcome in self.outcomes.values())

    def ask(self, service: SlotService, command: Command) -> None:
        name = f"{command.key} of {id(service)}"

        def hear(outcome: Outcome) -> None:
            with self._turn:
                assert name not in self.outcomes, "answered twice"
                self.outcomes[name] = outcome
                self._waiting -= 1
                self._turn.notify_all()

        with self._turn:
            self._waiting += 1
        service.submit(command, hear)

    def wait(self, most: int = 0) -> None:
        """Until so many at most wait."""
        with self._turn:
            done = self._turn.wait_for(lambda: self._waiting <= most, ANSWER_SECONDS)
        assert done, f"{self._waiting} were never answered"


def test_every_seat_goes_to_one_of_sixteen_connections(
    open_book: Callable[..., SlotService], clock: FakeClock, request: pytest.FixtureRequest
) -> None:
    """Sixteen connections want the same one-seat slots at the same time: each is booked once, everyone is answered."""
    attempts = 100_000 if request.config.getoption("--long") else 5_000
    books = [open_book(writers=1) for _ in range(CONNECTIONS)]
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
    open_book: Callable[..., SlotService], clock: FakeClock, postgres: Postgres
) -> None:
    """Two processes with four writers each, over 20 calendars in random order, moves between them too: no deadlock."""
    books = [open_book(), open_book()]
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


def test_a_calendar_is_written_in_the_order_of_its_commands(service: SlotService, clock: FakeClock) -> None:
    """What one caller asks for in a row is done in that order, whether its homes are remembered or looked up."""
    driver = Driver(service, clock)
    driver.create()
    slots = driver.open(200)
    crowd = Crowd()
    for slot in slots:
        crowd.ask(service, booking(slot))
    crowd.wait()
    viewer = Viewer(service, "room")
    assert [viewer.slots[slot]["version"] for slot in slots] == list(range(2, 202))


def test_a_booking_that_moves_meanwhile_is_found_where_it_is(
    open_book: Callable[..., SlotService], clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its calendar was looked up before the lock; another process has moved it since: the command is placed anew."""
    service, other = open_book(), open_book()
    driver = Driver(service, clock)
    driver.create("here")
    booked = driver.reserve(driver.open()[0])
    driver.create("there")
    (there,) = driver.open()
    router = service._writer
    assert isinstance(router, Router)
    look = router._routes
    looks = [0]

    def look_up_and_be_outdated(wanted: set[tuple[str, str]]) -> Any:
        routes = look(wanted)
        looks[0] += 1
        if looks[0] == 1:
            results(other.run(moving(booked, there)))
        return routes

    monkeypatch.setattr(router, "_routes", look_up_and_be_outdated)
    assert driver.cancel(booked)["calendar"] == "there"
    assert looks[0] == 2
    assert [slot["status"] for slot in (driver.slots("here") | driver.slots("there")).values()] == ["open", "open"]
    audit(driver.path)


def test_two_who_make_the_same_calendar_make_one(open_book: Callable[..., SlotService], clock: FakeClock) -> None:
    """There is no row to lock yet: the unique key decides, and the others hear that there is one; a retry is none."""
    books = [open_book(writers=1) for _ in range(8)]
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


def test_a_change_of_another_process_is_seen_by_the_watch_only_once_it_can_be_read(
    open_book: Callable[..., SlotService], clock: FakeClock
) -> None:
    """An open transaction does not move it, its commit does."""
    service = open_book()
    driver = Driver(service, clock)
    driver.create()
    watch = service.watch()
    with psycopg.connect(service.url) as other:
        other.execute("UPDATE calendar SET name = 'Other' WHERE id = 'room'")
        watch.has_moved()
        assert not watch.has_moved()
        other.commit()
    assert watch.has_moved()
    assert not watch.has_moved()
    watch.close()


def test_a_lock_that_is_not_let_go_is_overloaded(
    open_book: Callable[..., SlotService], clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Someone else keeps a calendar: those who want it hear `overloaded` in time, those of another one are served."""
    monkeypatch.setattr("models.storage.postgres.LOCK_TIMEOUT_SECONDS", 1)
    monkeypatch.setattr("models.writing.writer.PATIENCE_SECONDS", 0.5)
    service = open_book(writers=1)
    driver = Driver(service, clock)
    driver.create("free")
    (free,) = driver.open()
    driver.create("room")
    slots = driver.open(20)
    with psycopg.connect(service.url) as other:
        other.execute("SELECT * FROM calendar WHERE id = 'room' FOR UPDATE")
        codes = [code(outcome) for outcome in driver.together([booking(free), *[booking(slot) for slot in slots]])]
    assert codes == ["ok", *["overloaded"] * 20]
    assert driver.reserve(slots[0])["status"] == "confirmed"
    audit(driver.path)


def test_a_start_that_stands_still_ends(
    database: str, open_book: Callable[..., SlotService], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that is frozen within its start loses the schema's lock, so that others can start."""
    monkeypatch.setattr("models.storage.postgres.SCHEMA_STANDSTILL_SECONDS", 1)
    frozen = open_database(database)
    frozen.connect()
    with pytest.raises(OperationalError), frozen.changing_schema():
        _go_on(frozen, open_book)
    frozen.drop()


def _go_on(frozen: Dialect, start: Callable[..., SlotService]) -> None:
    """Start another one, which waits for the lock, and then go on."""
    start()
    frozen.execute_sql("SELECT 1")


def test_a_locked_calendar_s_commands_keep_their_order(open_book: Callable[..., SlotService], clock: FakeClock) -> None:
    """They wait elsewhere than those of the same writer's other calendars, which are done meanwhile, and in a row."""
    service = open_book(writers=1)
    driver = Driver(service, clock)
    free: list[str] = []
    for number in range(5):
        driver.create(f"free-{number}")
        free += driver.open(4)
    driver.create("room")
    slots = driver.open(120)
    crowd, others = Crowd(), Crowd()
    with psycopg.connect(service.url) as other:
        other.execute("SELECT * FROM calendar WHERE id = 'room' FOR UPDATE")
        for place, slot in enumerate(slots):
            crowd.ask(service, booking(slot))
            if place % 6 == 0:
                others.ask(service, booking(free[place // 6]))
                others.wait()
        assert others.codes == {"ok": 20}
        assert not crowd.codes
    crowd.wait()
    assert crowd.codes == {"ok": 120}
    viewer = Viewer(service, "room")
    assert [viewer.slots[slot]["version"] for slot in slots] == list(range(2, 122))


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_server_that_restarts_costs_nobody_a_booking(
    open_book: Callable[..., SlotService], clock: FakeClock, postgres: Postgres, mode: Any
) -> None:
    """Under load it is shut down, or crashes, and comes back: everyone is answered, all that was answered well is
    there, and who asks again with the same key gets each booking once.
    """
    service = open_book()
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
    """Between two commands, and between two questions: the next one connects anew, and nobody hears of it."""
    (slot, other) = driver.open(2)
    driver.reserve(slot)
    watch = driver.service.watch()
    watch.has_moved()
    postgres.restart()
    assert driver.slot(slot)["status"] == "booked"
    assert driver.reserve(other)["status"] == "confirmed"
    assert watch.has_moved()
    watch.close()
    assert caplog.records == []


def test_while_the_server_is_away_everyone_hears_so(driver: Driver, postgres: Postgres) -> None:
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
    """Whatever is wrong with the setting or the server; and nothing in the error's chain tells it either."""
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
    """Names are written in every script; better no server than one that fails at the first of them."""
    name = f"latin_{new_key()[-8:]}"
    postgres.execute(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING latin1 LOCALE 'C'")
    with pytest.raises(UnusableDatabase, match="encoding is LATIN1"):
        SlotService(postgres.url.replace("/postgres?", f"/{name}?"), b"secret").open()


def test_no_error_tells_of_a_customer(driver: Driver, caplog: pytest.LogCaptureFixture) -> None:
    """What the server adds to an error repeats the row; a name must not be in a log for it."""
    (slot,) = driver.open()
    driver.query("ALTER TABLE booking ADD CONSTRAINT nobody CHECK (name <> 'Marked Name')")
    (outcome,) = driver.together([booking(slot, customer=Customer(name="Marked Name", email="marked@example.org"))])
    assert code(outcome) == "invalid_transition"
    assert caplog.records
    assert "arked" not in caplog.text + repr(outcome)
