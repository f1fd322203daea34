"""Every booking's customer with one e-mail address is erased, and nobody else's."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.contract.changes import Customer
from models.contract.commands.background import EraseBookings
from models.contract.commands.bookings import NewDetails, UpdateBooking
from models.contract.commands.calendars import CreateCalendar
from models.contract.commands.command import Answer, Command
from models.contract.errors import Forbidden
from models.contract.principal import Principal, Role
from models.contract.values.time import DAY
from tests.models.driver import GUEST, STAFF, Driver, Viewer, moving, new_key, results
from tests.support import wait_until


def person(email: str | None, note: str = "") -> Customer:
    return Customer(name="Ada", **({"email": email} if email else {}), **({"note": note} if note else {}))


def book(driver: Driver, calendar: str, *emails: str | None) -> list[str]:
    driver.calendar = calendar
    return [
        driver.reserve(slot, customer=person(email))["id"]
        for slot, email in zip(driver.open(len(emails)), emails, strict=True)
    ]


def erase(driver: Driver, email: str, calendars: tuple[str, ...] | None = None) -> list[int]:
    """Run the commands page by page; return their counts."""
    counts, page = [], ""
    while True:
        commands, page = driver.service.erasures(STAFF, email, calendars, page)
        counts += [results(run(driver, command)) for command in commands]
        if not page:
            return counts


def run(driver: Driver, command: Command) -> Answer:
    return driver.service.run(command)


def names(driver: Driver) -> list[str]:
    """Return the ids of the bookings that have a customer."""
    return sorted(row[0] for row in driver.query("SELECT id FROM booking WHERE name IS NOT NULL"))


def test_customers_of_the_past_are_forgotten(driver: Driver) -> None:
    """A booking is kept for the time of the setting after its end; one moved to a later time stays."""
    driver.create("desk")
    early = book(driver, "room", "ada@example.org", None) + book(driver, "desk", "ada@example.org")
    driver.calendar = "room"
    first, later = driver.open(2, start=driver.clock() + 30 * DAY)
    moved = driver.reserve(driver.open()[0], customer=person("bob@example.org"))
    kept = driver.reserve(first, customer=person("bob@example.org"))
    driver.clock.go(10 * 86_400)
    assert driver.service.past_customers("") == ([], "")
    driver.service.retention.customer_seconds = 86_400
    commands, page = driver.service.past_customers("")
    assert page == ""
    driver.service.run(moving(moved, later, principal=STAFF))
    assert sorted(results(run(driver, command)) for command in commands) == [1, 2]
    assert names(driver) == sorted([moved["id"], kept["id"]])
    assert all(one.customer is None for one in driver.service.bookings_by_id(early).values())
    assert driver.service.past_customers("") == ([], "")


@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Etc/GMT+12", "Europe/Vienna"])
def test_the_time_of_retention_is_counted_from_the_end_of_the_slot(driver: Driver, zone: str) -> None:
    """In milliseconds, whatever the zone of the calendar: a moment before it nobody is erased, and after it all are."""
    create = CreateCalendar(principal=STAFF, calendar="desk", name="Desk", zone=zone)
    driver.service.run(create)
    driver.calendar = "desk"
    (slot,) = driver.open(1)
    driver.reserve(slot, customer=person("ada@example.org"))
    ((end,),) = driver.query('SELECT "end" FROM slot')
    for seconds in (1, 86_400):
        driver.service.retention.customer_seconds = seconds
        driver.clock.now = end + seconds * 1_000
        assert driver.service.past_customers("") == ([], "")
        driver.clock.now += 1
        assert len(driver.service.past_customers("")[0]) == 1
    driver.service.retention.customer_seconds = 8_640_000_000  # the greatest setting: before 1970
    assert driver.service.past_customers("") == ([], "")


def test_all_of_one_address_are_erased(driver: Driver) -> None:
    """In every calendar, in any case of its letters, also of umlauts; other addresses stay, longer ones too."""
    driver.create("desk")
    gone = book(driver, "room", "jürgen@example.org", "JÜRGEN@Example.org")
    stay = book(driver, "room", "xjürgen@example.org", "jürgen@example.orgx", None, "j%@example.org")
    gone += book(driver, "desk", "jürgen@example.org")
    assert sorted(erase(driver, " Jürgen@example.org ")) == [1, 2]
    assert names(driver) == sorted(stay)
    assert erase(driver, "jürgen@example.org") == []
    erased = driver.service.bookings_by_id(gone)
    assert all(one.customer is None and one.status == "confirmed" for one in erased.values())


def test_every_spelling_of_an_address_is_erased(driver: Driver) -> None:
    """In quotes, and with the domain in Punycode; an address with other letters stays."""
    book(driver, "room", '"ada"@exämple.org', "ada@xn--exmple-cua.org", "Ada@EXÄMPLE.org")
    stay = book(driver, "room", "straße@example.org", "ada@example.org")
    assert erase(driver, "ada@exämple.org") == [3]
    assert erase(driver, "strasse@example.org") == []
    assert names(driver) == sorted(stay)


def test_only_the_named_calendars_are_searched(driver: Driver) -> None:
    """Those of a token; the bookings of others stay."""
    driver.create("desk")
    (mine,), (other,) = book(driver, "room", "ada@example.org"), book(driver, "desk", "ada@example.org")
    assert erase(driver, "ada@example.org", ("room",)) == [1]
    assert names(driver) == [other]
    assert mine != other


def test_a_batch_is_one_change_and_many_are_several_batches(driver: Driver) -> None:
    """100 bookings at most are in one transaction; old snapshot + changes == new snapshot."""
    book(driver, "room", *["ada@example.org"] * 130)
    viewer = Viewer(driver.service, "room")
    assert erase(driver, "ada@example.org") == [100, 30]
    assert [change["type"] for change in viewer.follow()] == ["booking.updated", "booking.updated"]
    viewer.check()
    assert names(driver) == []


def test_what_has_changed_meanwhile_is_looked_at_again(driver: Driver) -> None:
    """A booking that moves to another calendar is erased there, and one with another address by now is not."""
    driver.create("desk")
    moved, changed = book(driver, "room", "ada@example.org", "ada@example.org")
    driver.calendar = "desk"
    (target,) = driver.open()
    commands, page = driver.service.erasures(STAFF, "ada@example.org", None, "")
    driver.service.run(moving({"id": moved}, target, principal=STAFF))
    driver.service.run(
        UpdateBooking(principal=STAFF, key=new_key(), booking=changed, customer=NewDetails(email="bob@example.org"))
    )
    assert [results(run(driver, command)) for command in commands] == [0]
    commands, page = driver.service.erasures(STAFF, "ada@example.org", None, page)
    assert [(results(run(driver, command)), command.calendar) for command in commands] == [(1, "desk")]  # type: ignore[attr-defined]
    assert driver.service.erasures(STAFF, "ada@example.org", None, page) == ([], "")
    assert names(driver) == [changed]


@pytest.mark.parametrize("principal", [GUEST, Principal(subject="s", role=Role.STAFF, calendars=frozenset({"desk"}))])
def test_only_staff_of_the_calendar_erase(driver: Driver, principal: Principal) -> None:
    """The command checks the right itself."""
    (booked,) = book(driver, "room", "ada@example.org")
    command = EraseBookings(principal=principal, calendar="room", email="ada@example.org", bookings=(booked,))
    with pytest.raises(Exception, match="token") as refused:
        driver.service.run(command)
    assert refused.type.__name__ in {"Unauthorized", Forbidden.__name__}
    assert names(driver) == [booked]


@pytest.mark.only("sqlite")
def test_nothing_of_them_is_left_in_a_file(driver: Driver, tmp_path: Path) -> None:
    """The database and its WAL do not contain the erased texts."""
    (slot,) = driver.open()
    driver.reserve(slot, customer=person("ada@example.org", "a note that nobody may read again" * 40))
    erase(driver, "ada@example.org")

    def is_clean() -> bool:
        return all(b"nobody may read" not in file.read_bytes() for file in tmp_path.glob("slotcast.db*"))

    wait_until(is_clean, what="clean files")
