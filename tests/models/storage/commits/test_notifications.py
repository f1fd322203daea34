"""Notifications between servers: whole rows in order, or at least the advice to look."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from models.contract.changes import Logged
from models.contract.commands.slots import UpdateSlot
from models.contract.values.tokens import Tokens
from models.service import CommitWatch, SlotService
from models.storage.commits import notifications
from models.storage.commits.notifications import Heard
from tests.models.driver import STAFF, Driver
from tests.support import wait_until
from tests.support.databases.redis import Redis

pytestmark = pytest.mark.only("postgres")
NOTICED_SECONDS = 8.0  # five, and three for a busy machine


@pytest.fixture
def other(driver: Driver) -> Iterator[SlotService]:
    """Another server's service on the same database, with the same secret."""
    service = SlotService(driver.service.url, driver.service.secret, clock=driver.clock, synchronous="normal")
    service.open()
    yield service
    service.close()


@pytest.fixture
def watch(other: SlotService) -> Iterator[CommitWatch]:
    """The watch of the other server, which listens and has heard itself."""
    watch = other.watch()
    watch.look()
    wait_until(lambda: not watch.wait().must_look, what="a beat")
    yield watch
    watch.close()


def hear(watch: CommitWatch, count: int) -> list[Logged]:
    """Return the next rows that arrive, at least so many."""
    rows: list[Logged] = []

    def is_enough() -> bool:
        rows.extend(watch.wait().rows)
        return len(rows) >= count

    wait_until(is_enough, what=f"{count} rows")
    return rows


def notify(driver: Driver, payload: str) -> None:
    """Notify as any role of the database may."""
    with psycopg.connect(driver.service.url, autocommit=True) as connection:
        ((channel,),) = connection.execute("SELECT 'slotcast_' || substr(md5(current_schema()), 1, 12)").fetchall()
        connection.execute("SELECT pg_notify(%s, %s)", (channel, payload))


def advised(watch: CommitWatch) -> Heard:
    """Return the first notification that advises to look."""
    found: list[Heard] = []

    def has_come() -> bool:
        found.append(watch.wait())
        return found[-1].must_look

    wait_until(has_come, what="an advice to look")
    return found[-1]


def test_rows_arrive_whole_and_in_order(driver: Driver, watch: CommitWatch) -> None:
    """They are what the service tells this process of, also where they need more than one notification."""
    told: list[Logged] = []
    driver.service.on_commit = told.extend
    for slot in driver.open(10):
        driver.reserve(slot)
        driver.service.run(UpdateSlot(principal=STAFF, slot=slot, data='"☃ \u2028 \\\\ \\u0000"'.encode()))
    assert hear(watch, len(told)) == told
    assert sum(len(row.body) for row in told) > 8_000
    assert watch.look() is not None, "the log tells the same, once it is asked"


def test_a_row_that_is_too_large_is_told_by_an_advice(driver: Driver, watch: CommitWatch) -> None:
    driver.open(60)
    assert advised(watch).rows == []
    news = watch.look()
    assert news is not None
    assert news.last == {"room": 1}


def test_an_outside_write_is_told_by_an_advice(driver: Driver, watch: CommitWatch) -> None:
    (slot,) = driver.open()
    hear(watch, 1)
    watch.look()
    driver.query(f"UPDATE slot SET state = 1 WHERE id = '{slot}'")
    assert advised(watch).rows == []
    news = watch.look()
    assert news is not None
    assert news.has_notes
    for command in driver.service.outside():
        driver.service.run(command)


@pytest.mark.parametrize("payload", ["", "x", "☃" * 60, "x" * 40 + '[["room",2,"n","f","slot.updated",{},[]]]'])
def test_what_no_server_has_signed_is_no_row(payload: str, driver: Driver, watch: CommitWatch) -> None:
    notify(driver, payload)
    assert advised(watch) == Heard([], must_look=True)


def test_a_server_with_another_secret_is_not_believed(driver: Driver, watch: CommitWatch) -> None:
    forger = SlotService(driver.service.url, b"another secret of the tests", clock=driver.clock)
    forged = notifications.Notifications(driver.service._db, Tokens(forger.secret))
    forged.send([Logged("room", 1, "n", "f", "slot.updated", b"{}")])
    assert advised(watch) == Heard([], must_look=True)
    forged.close()


def test_a_server_does_not_hear_its_own_rows(driver: Driver, watch: CommitWatch) -> None:
    """The other one hears them, so nothing is still on the way."""
    mine = driver.service.watch()
    mine.look()
    notes = driver.service.notifications
    assert notes is not None

    def hears_the_other() -> bool:
        mine.wait()
        return notes.has_peers and not notes.is_deaf

    wait_until(hears_the_other, what="the other server's beat")
    driver.open()
    hear(watch, 1)
    assert mine.wait().rows == []
    mine.close()


def test_a_server_without_a_beat_leaves_the_list(
    driver: Driver, watch: CommitWatch, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is in the list until its last beat is too old."""
    mine = driver.service.watch()
    mine.look()
    notes = driver.service.notifications
    assert notes is not None

    def hears_the_other() -> bool:
        mine.wait()
        return len(notes.peers) == 1

    wait_until(hears_the_other, what="the other server's beat")
    monkeypatch.setattr(notifications, "PEER_SECONDS", 0.0)
    assert notes.peers == []
    mine.close()


def test_a_server_alone_sends_no_row(other: SlotService, watch: CommitWatch, driver: Driver) -> None:
    alone = Driver(other, driver.clock)
    alone.create("alone")
    alone.open()
    assert other.notifications is not None
    assert not other.notifications.has_peers
    other.notifications.close()
    assert other.notifications.sent == 0


def test_the_last_rows_are_sent_before_the_end(driver: Driver, watch: CommitWatch) -> None:
    """The command line makes a change and ends at once."""
    short = SlotService(driver.service.url, driver.service.secret, clock=driver.clock)
    short.open()
    Driver(short, driver.clock).open(3)
    short.close()
    assert [row.seq for row in hear(watch, 1)] == [1]


def test_a_watch_that_hears_nothing_polls(
    driver: Driver, watch: CommitWatch, other: SlotService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As behind a pooler, which does not pass on what the connection listens for."""
    monkeypatch.setattr(notifications, "DEAF_SECONDS", 0.2)
    watch._db.execute_sql("UNLISTEN *")
    assert other.notifications is not None
    wait_until(lambda: other.notifications is not None and other.notifications.is_deaf, what="deafness")
    began = time.monotonic()
    assert watch.wait(20.0).must_look
    assert time.monotonic() - began < 5
    driver.open()
    news = watch.look()
    assert news is not None
    assert news.last == {"room": 1}
    watch._db.execute_sql(SQL("LISTEN {}").format(Identifier(driver.service._db.channel())).as_string())
    monkeypatch.undo()
    wait_until(lambda: not watch.wait().must_look, what="a beat")


def test_a_watch_listens_again_on_a_connection_that_a_read_has_made(
    driver: Driver, watch: CommitWatch, other: SlotService
) -> None:
    """A read on the watch's thread connects again where the server has closed its connection."""
    watch._db.drop()
    other.check()
    watch.look()
    driver.open()
    assert [row.seq for row in hear(watch, 1)] == [1]


def test_rows_are_sent_on_a_new_connection_where_the_last_one_has_ended(driver: Driver, watch: CommitWatch) -> None:
    driver.open()
    hear(watch, 1)
    channel = driver.service._db.channel()
    ended = driver.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        f" WHERE query LIKE '%pg_notify(''{channel}%' AND pid <> pg_backend_pid()"
    )
    assert ended
    driver.open()
    assert [row.seq for row in hear(watch, 1)] == [2]


def test_a_wait_ends_when_it_is_woken(watch: CommitWatch) -> None:
    """A stopping server does not wait for a notification, and a wake before the wait counts too."""
    for seconds in (0.0, 0.2):
        waker = threading.Timer(seconds, watch.wake)
        waker.start()
        if not seconds:
            waker.join()
        began = time.monotonic()
        while not watch.wait(20.0).must_look:
            pass
        assert time.monotonic() - began < 10
        waker.join()


def test_servers_that_were_told_not_to_notify_poll(driver: Driver) -> None:
    quiet = SlotService(driver.service.url, driver.service.secret, clock=driver.clock, notifies=False)
    quiet.open()
    watch = quiet.watch()
    assert quiet.notifications is None
    assert watch.wait().must_look
    watch.close()
    quiet.close()


@pytest.fixture
def pair(driver: Driver, redis: Redis) -> Iterator[tuple[Driver, CommitWatch, SlotService]]:
    """Return two servers that hear each other by Redis: one that writes, and the watch of the other."""
    with ExitStack() as ends:
        services = []
        for _ in range(2):
            service = SlotService(driver.service.url, driver.service.secret, clock=driver.clock, redis_url=redis.url)
            service.open()
            ends.callback(service.close)
            services.append(service)
        watches = [service.watch() for service in services]
        for watch in watches:
            ends.callback(watch.close)
            watch.look()

        def are_paired() -> bool:
            for watch in watches:
                watch.wait()
            return all(hears_all_by_redis(service) for service in services)

        wait_until(are_paired, what="the beats")
        yield Driver(services[0], driver.clock), watches[1], services[1]


def hears_all_by_redis(service: SlotService) -> bool:
    notes = service.notifications
    assert notes is not None
    present = notes.peers
    return bool(present) and all(peer.hears_redis for peer in present) and not notes.is_redis_deaf


def test_rows_go_by_redis_and_not_by_the_database(pair: tuple[Driver, CommitWatch, SlotService]) -> None:
    here, watch, _ = pair
    by_redis: list[Logged] = []
    watch.on_heard(by_redis.extend)
    told: list[Logged] = []
    here.service.on_commit = told.extend
    by_database = []
    for slot in here.open(100):
        here.reserve(slot)
        by_database += watch.wait().rows
    wait_until(lambda: by_redis == told, what="every row")
    assert by_database == []


def test_rows_go_by_the_database_while_redis_is_away(
    pair: tuple[Driver, CommitWatch, SlotService], redis: Redis
) -> None:
    here, watch, there = pair
    notes = there.notifications
    assert notes is not None
    redis.kill9()
    wait_until(lambda: notes.is_redis_deaf, what="deafness")

    def comes_by_the_database() -> bool:
        here.open()
        return bool(watch.wait().rows)

    wait_until(comes_by_the_database, what="a row by the database")
    redis.start()

    def is_back() -> bool:
        watch.wait()
        return hears_all_by_redis(there)

    wait_until(is_back, what="Redis again")


def test_a_frozen_redis_is_noticed_within_five_seconds(
    pair: tuple[Driver, CommitWatch, SlotService], redis: Redis
) -> None:
    _, watch, there = pair
    notes = there.notifications
    assert notes is not None
    redis.freeze()
    began = time.monotonic()

    def is_deaf() -> bool:
        watch.wait()
        return notes.is_redis_deaf

    wait_until(is_deaf, what="deafness")
    assert time.monotonic() - began < NOTICED_SECONDS
    assert not notes.is_deaf
    redis.thaw()


def test_one_server_without_redis_hears_by_the_database(
    pair: tuple[Driver, CommitWatch, SlotService], watch: CommitWatch
) -> None:
    """As while the setting is rolled out over the servers."""
    here, watch_of_redis, _ = pair
    by_redis: list[Logged] = []
    watch_of_redis.on_heard(by_redis.extend)
    told: list[Logged] = []
    here.service.on_commit = told.extend
    notes = here.service.notifications
    assert notes is not None
    mine = here.service.watch()
    mine.look()

    def knows_the_other() -> bool:
        mine.wait()
        return not all(peer.hears_redis for peer in notes.peers)

    wait_until(knows_the_other, what="the beat of the server without Redis")
    here.open(3)
    assert hear(watch, 1) == told
    wait_until(lambda: by_redis == told, what="the rows by Redis")
    mine.close()


def test_servers_with_redis_alone_look_for_outside_writes(driver: Driver, redis: Redis) -> None:
    """Without notifications of the database, they still read less often than without Redis."""
    service = SlotService(
        driver.service.url, driver.service.secret, clock=driver.clock, notifies=False, redis_url=redis.url
    )
    service.open()
    watch = service.watch()
    watch.look()
    notes = service.notifications
    assert notes is not None
    watch.wait()
    wait_until(lambda: not notes.is_redis_deaf, what="a beat")
    began = time.monotonic()
    assert watch.wait().must_look
    assert time.monotonic() - began > 0.2
    assert not notes.is_deaf
    watch.close()
    service.close()
