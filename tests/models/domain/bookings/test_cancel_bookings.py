"""The bookings of one customer are cancelled in batches, by e-mail address or by caller."""

from __future__ import annotations

from models.contract.changes import read_cursor
from models.contract.commands.background import CancelMany
from models.contract.commands.bookings import Person
from models.contract.principal import Principal
from models.domain.policy.limits import pseudonym
from models.query.search.coming_search import Coming
from tests.models.database_audit import query
from tests.models.driver import EVER, OTHER, STAFF, Driver, booking, results


def _run(driver: Driver, coming: Coming, address: str = "") -> int:
    """Cancel until nothing is left, as the server does."""
    done, page = 0, ""
    while True:
        commands, page = driver.service.cancellations(STAFF, coming, address, page)
        done += sum(int(results(driver.service.run(command))) for command in commands)
        if not page:
            return done


def _seq(driver: Driver) -> int:
    return int(read_cursor(driver.service.head("room").cursor).seq)


def _statuses(driver: Driver) -> list[str]:
    return [
        status
        for (status,) in query(
            driver.path, "SELECT status FROM booking JOIN slot ON slot.id = booking.slot ORDER BY start"
        )
    ]


def test_all_bookings_of_an_address_are_cancelled_in_one_change(driver: Driver) -> None:
    """Every spelling counts, in all calendars; another customer's, ended and past bookings stay as they are."""
    spellings = ("ada@example.org", "ADA@example.org", "bob@example.org", "ada@example.org")
    slots = driver.open(4)
    made = [
        driver.reserve(slot, customer=Person(name="A", email=email))
        for slot, email in zip(slots, spellings, strict=True)
    ]
    driver.cancel(made[3])
    before = _seq(driver)
    assert _run(driver, Coming(None, driver.clock.now, EVER, "ada@Example.org")) == 2
    assert _seq(driver) == before + 1
    assert _statuses(driver) == ["cancelled", "cancelled", "confirmed", "cancelled"]
    assert all(driver.slots()[slot]["remaining"] == 1 for slot in slots[:2])


def test_a_guests_address_is_one_caller(driver: Driver) -> None:
    """All its bookings are cancelled, whatever e-mail address they have; those of another address stay."""
    slots = driver.open(3)
    for slot, principal in zip(slots, (OTHER, OTHER, Principal(address="192.0.2.1")), strict=True):
        driver.service.run(booking(slot, principal=principal, customer=Person(name="A", email=f"{slot[:8]}@x.org")))
    assert _run(driver, Coming(None, driver.clock.now, EVER), OTHER.address) == 2
    assert _statuses(driver) == ["cancelled", "cancelled", "confirmed"]


def test_only_the_window_and_the_calendars_are_cancelled(driver: Driver) -> None:
    """A slot that ends at the window's begin, or starts at its end, is not in it; no other calendar is asked."""
    slots = driver.open(3)
    for slot in slots:
        driver.reserve(slot)
    times = [query(driver.path, f"SELECT start, \"end\" FROM slot WHERE id = '{slot}'")[0] for slot in slots]
    window = Coming(("room",), times[0][1], times[2][0], "ada@example.org")
    assert _run(driver, window._replace(calendars=("other",))) == 0
    assert _run(driver, window) == 1
    assert _statuses(driver) == ["confirmed", "cancelled", "confirmed"]


def test_a_booking_that_has_changed_meanwhile_stays(driver: Driver) -> None:
    """Between the search and the command it may be another customer's, or in another calendar."""
    (slot,) = driver.open()
    booked = driver.reserve(slot)
    caller = pseudonym(driver.service.tokens, OTHER)
    for email, name in (("bob@example.org", ""), ("", caller)):
        command = CancelMany(principal=STAFF, calendar="room", bookings=(booked["id"],), email=email, caller=name)
        assert results(driver.service.run(command)) == 0
    assert _statuses(driver) == ["confirmed"]
