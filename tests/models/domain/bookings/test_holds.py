"""Holds: seats kept for a while."""

from __future__ import annotations

import pytest

from models.contract.commands.background import ExpireHolds
from models.contract.commands.calendars import UpdateCalendar
from models.contract.commands.holds import ReleaseHold
from models.contract.commands.slots import CloseSlot
from models.contract.errors import (
    BadRequest,
    CapacityExceeded,
    Forbidden,
    HoldExpired,
    HoldNotYours,
    InvalidTransition,
    LimitExceeded,
    NotFound,
    SlotUnavailable,
    TooFar,
    TooSoon,
    Unauthorized,
)
from models.contract.principal import Principal
from tests.models.database_audit import spoil
from tests.models.driver import GUEST, OTHER, STAFF, Driver, Viewer, held, new_key, results


def test_a_hold_takes_its_seats_at_once(driver: Driver) -> None:
    """Held seats are nobody else's, and the slot says until when."""
    (slot,) = driver.open(capacity=2)
    hold = driver.hold(slot, 2)
    seen = driver.slot(slot)
    assert (seen["held"], seen["remaining"], seen["status"], seen["bookable"]) == (2, 0, "held", False)
    assert seen["held_until"] == hold["expires_at"] == "2027-01-04T00:05:00Z"
    with pytest.raises(SlotUnavailable):
        driver.hold(slot, principal=OTHER)


def test_held_until_is_the_end_of_the_first_hold(driver: Driver) -> None:
    """Each hold has its own time; the slot shows the earliest of the rest."""
    (slot,) = driver.open(capacity=3)
    first = driver.hold(slot)
    driver.clock.go(60)
    driver.hold(slot)
    assert driver.slot(slot)["held_until"] == "2027-01-04T00:05:00Z"
    driver.release(first)
    assert driver.slot(slot)["held_until"] == "2027-01-04T00:06:00Z"


@pytest.mark.parametrize(("after", "is_free"), [(299.9, False), (300, False), (300.499, False), (300.5, True)])
def test_others_get_an_expired_holds_seats_after_its_grace(driver: Driver, after: float, is_free: bool) -> None:
    """From half a second after a hold's end its seats are free, also before the scheduler runs; not earlier."""
    (slot,) = driver.open()
    driver.hold(slot)
    driver.clock.go(after)
    if is_free:
        driver.reserve(slot, principal=OTHER)
    else:
        with pytest.raises(SlotUnavailable):
            driver.reserve(slot, principal=OTHER)


def test_expiring_holds_frees_their_seats_by_a_change(driver: Driver) -> None:
    """Time alone moves no counter; a command of the scheduler does, for at most 200 expired holds a change."""
    slots = driver.open(201)
    for place, slot in enumerate(slots):
        driver.hold(slot, principal=Principal(address=f"address {place}"))
    driver.clock.go(200)
    fresh = driver.hold(driver.open()[0], principal=OTHER)
    driver.clock.go(100.6)
    assert driver.slot(slots[0])["status"] == "held"
    viewer = Viewer(driver.service, "room")
    counts = []
    while due := driver.service.due():
        assert due == [ExpireHolds(calendar="room")]
        counts.append(results(driver.service.run(due[0])))
    assert counts == [200, 1]
    assert [len(change["slots"]) for change in viewer.follow()] == [200, 1]
    viewer.check()
    assert driver.slot(fresh["slot"])["status"] == "held"


def test_two_holds_on_one_slot_expire_together(driver: Driver) -> None:
    """A slot stands once in a change, however many of its holds went."""
    (slot,) = driver.open(capacity=3)
    for _ in range(3):
        driver.hold(slot)
    driver.clock.go(301)
    viewer = Viewer(driver.service, "room")
    driver.service.run(ExpireHolds(calendar="room"))
    (change,) = viewer.follow()
    assert [(one["id"], one["held"]) for one in change["slots"]] == [(slot, 0)]


def test_expiring_without_overdue_holds_makes_no_change(driver: Driver) -> None:
    """A command of the scheduler without an effect makes no change."""
    viewer = Viewer(driver.service, "room")
    driver.service.run(ExpireHolds(calendar="room"))
    assert viewer.follow() == []


def test_a_request_counts_from_when_it_was_received(driver: Driver) -> None:
    """A holder's request from before the end is served, even within the grace."""
    (slot,) = driver.open()
    hold = driver.hold(slot)
    driver.clock.go(300.3)
    with pytest.raises(HoldExpired):
        driver.reserve(slot, hold, received=driver.clock.now)
    with pytest.raises(HoldExpired):
        driver.reserve(slot, hold)
    assert driver.reserve(slot, hold, received=driver.clock.now - 400)["status"] == "confirmed"


def test_an_expired_hold_can_not_be_booked_by_an_earlier_request(driver: Driver) -> None:
    """Freed seats belong to others: there is nothing left to confirm."""
    (slot,) = driver.open()
    hold = driver.hold(slot)
    driver.clock.go(301)
    driver.service.run(ExpireHolds(calendar="room"))
    with pytest.raises(HoldExpired):
        driver.reserve(slot, hold, received=driver.clock.now - 5_000)


def test_an_extension_is_from_now_and_at_most_twice_in_all(driver: Driver) -> None:
    """It sets now + hold_seconds, but never past twice hold_seconds from the start; then it changes nothing."""
    (slot,) = driver.open()
    hold = driver.hold(slot)
    driver.clock.go(200)
    assert driver.extend(hold)["expires_at"] == "2027-01-04T00:08:20Z"
    driver.clock.go(290)
    assert driver.extend(hold)["expires_at"] == "2027-01-04T00:10:00Z"
    assert driver.slot(slot)["held_until"] == "2027-01-04T00:10:00Z"
    viewer = Viewer(driver.service, "room")
    assert driver.extend(hold)["expires_at"] == "2027-01-04T00:10:00Z"
    assert viewer.follow() == []
    driver.clock.go(120)
    with pytest.raises(HoldExpired):
        driver.extend(hold)


def test_releasing_is_idempotent(driver: Driver) -> None:
    """The seats come back once; a second release, or one after the hold ran out, changes nothing."""
    (slot,) = driver.open(capacity=2)
    driver.hold(slot)
    hold = driver.hold(slot)
    driver.release(hold)
    viewer = Viewer(driver.service, "room")
    driver.release(hold)
    assert viewer.follow() == []
    assert driver.slot(slot)["remaining"] == 1


def test_a_booked_hold_is_spent(driver: Driver) -> None:
    """It can be neither released, nor extended, nor booked again."""
    (slot,) = driver.open(capacity=5)
    hold = driver.hold(slot)
    driver.reserve(slot, hold)
    for what in (driver.release, driver.extend):
        with pytest.raises(InvalidTransition):
            what(hold)
    with pytest.raises(InvalidTransition):
        driver.reserve(slot, hold)


@pytest.mark.parametrize("token", ["", "x", "\ud800", "é", "A" * 22])
def test_a_hold_belongs_to_its_token(driver: Driver, token: str) -> None:
    """Any other token is refused."""
    hold = driver.hold(driver.open()[0])
    with pytest.raises((HoldNotYours, BadRequest)):
        driver.service.run(ReleaseHold(principal=GUEST, key=new_key(), hold=hold["id"], token=token))


def test_an_unknown_hold_is_not_found(driver: Driver) -> None:
    """An unknown id is not found, and so is a malformed one."""
    (slot,) = driver.open()
    for name in (slot, "", "x" * 5_000, "\0"):
        with pytest.raises(NotFound):
            driver.service.run(ReleaseHold(principal=GUEST, key=new_key(), hold=name, token="x"))
        with pytest.raises(NotFound):
            driver.reserve(slot, {"id": name, "token": "x"})


def test_holds_are_counted_by_holder(driver: Driver) -> None:
    """`max_holds` active ones for each holder of a calendar; another holder has as many."""
    driver.create("few", max_holds=2)
    slots = driver.open(4)
    first = driver.hold(slots[0])
    driver.hold(slots[1])
    with pytest.raises(LimitExceeded) as refused:
        driver.hold(slots[2])
    assert refused.value.details == {"rule": "max_holds", "max_holds": 2}
    driver.hold(slots[2], principal=OTHER)
    driver.hold(slots[3], principal=Principal(subject="me", address=GUEST.address))
    driver.release(first)
    driver.hold(slots[0])


def test_a_hold_that_ran_out_is_not_counted(driver: Driver) -> None:
    """This holds also before the scheduler has run."""
    driver.create("one", max_holds=1)
    slots = driver.open(2)
    driver.hold(slots[0])
    driver.clock.go(300)
    driver.hold(slots[1])


def test_the_length_of_a_hold_is_the_calendars(driver: Driver) -> None:
    """`hold_seconds` is the policy's."""
    driver.create("short", hold_seconds=30)
    assert driver.hold(driver.open()[0])["expires_at"] == "2027-01-04T00:00:30Z"


def test_more_than_there_are_is_refused_by_its_rule(driver: Driver) -> None:
    """Too many seats is `capacity_exceeded`, none left is `slot_unavailable`."""
    (slot,) = driver.open(capacity=3)
    driver.hold(slot, 2)
    with pytest.raises(CapacityExceeded) as refused:
        driver.hold(slot, 2)
    assert refused.value.details == {"rule": "capacity", "capacity": 3, "remaining": 1}
    driver.hold(slot)
    with pytest.raises(SlotUnavailable):
        driver.hold(slot)
    for seats in (0, -1, 10_001, 10**30):
        with pytest.raises(BadRequest):
            driver.hold(slot, seats)


def test_notice_and_horizon_are_kept(driver: Driver) -> None:
    """A slot that starts too soon, or too far ahead, is refused; so is one that has begun."""
    driver.create("near", min_notice=3_600, max_advance=7_200)
    now = driver.clock.now
    soon, near, far = (driver.open(start=now + ahead * 1_000)[0] for ahead in (3_599, 3_600, 7_201))
    with pytest.raises(TooSoon) as too_soon:
        driver.hold(soon)
    assert too_soon.value.details == {"rule": "min_notice", "min_notice": 3_600}
    driver.hold(near)
    with pytest.raises(TooFar):
        driver.hold(far)
    driver.create("plain")
    (begun,) = driver.open(start=now)
    with pytest.raises(TooSoon):
        driver.hold(begun)


def test_the_right_to_hold(driver: Driver) -> None:
    """A private calendar, and one for token holders, needs a token with its name; another token is forbidden."""
    (slot,) = driver.open()
    named = Principal(subject="guest", calendars=frozenset({"room"}))
    elsewhere = Principal(subject="guest", calendars=frozenset({"other"}))
    for update in (
        UpdateCalendar(principal=STAFF, calendar="room", visibility="private"),
        UpdateCalendar(principal=STAFF, calendar="room", visibility="public", booking="token"),
    ):
        driver.service.run(update)
        with pytest.raises(Unauthorized):
            driver.hold(slot)
        with pytest.raises(Forbidden):
            driver.hold(slot, principal=elsewhere)
        driver.release(driver.hold(slot, principal=named))


def test_confirming_asks_the_hold_alone(driver: Driver) -> None:
    """A hold is confirmed in spite of a closed slot, a near start or a new policy."""
    (slot,) = driver.open()
    hold = driver.hold(slot)
    driver.service.run(CloseSlot(principal=STAFF, slot=slot))
    driver.service.run(
        UpdateCalendar(principal=STAFF, calendar="room", booking="token", policy={"min_notice": 86_400 * 30})
    )
    assert driver.reserve(slot, hold)["status"] == "confirmed"


def test_a_hold_pays_for_its_own_slot_only(driver: Driver) -> None:
    """A slot takes no more seats than it has."""
    slot, other = driver.open(2, capacity=5)
    hold = driver.hold(slot, 2)
    with pytest.raises(BadRequest):
        driver.reserve(other, hold)
    with pytest.raises(BadRequest):
        driver.reserve(slot, hold, seats=3)
    assert held(hold).token == hold["token"]


def test_fewer_seats_release_the_rest(driver: Driver) -> None:
    """The default is all of them."""
    (slot,) = driver.open(capacity=5)
    assert driver.reserve(slot, driver.hold(slot, 3), seats=1)["seats"] == 1
    assert driver.reserve(slot, driver.hold(slot, 2))["seats"] == 2
    seen = driver.slot(slot)
    assert (seen["held"], seen["remaining"]) == (0, 2)


def test_if_still_free_books_free_seats_after_the_hold_has_expired(driver: Driver) -> None:
    """After the hold ran out its holder gets the seats if nobody else has them, even while its grace keeps others
    out; not so when they are gone.
    """
    slot, gone = driver.open(2)
    hold, lost = driver.hold(slot), driver.hold(gone)
    driver.clock.go(300.2)
    assert driver.reserve(slot, hold, if_still_free=True)["status"] == "confirmed"
    driver.clock.go(0.4)
    driver.reserve(gone, principal=OTHER)
    with pytest.raises(SlotUnavailable):
        driver.reserve(gone, lost, if_still_free=True)


def test_a_hold_without_a_slot_stops_no_other_hold(driver: Driver) -> None:
    """A writer without triggers and foreign keys may leave one, or one whose calendar is not that of its slot."""
    orphan, lost, strange, usual = driver.open(4)
    for slot in (orphan, lost, strange, usual):
        driver.hold(slot)
    driver.create("other")
    driver.calendar = "room"
    spoil(
        driver.service.url,
        f"UPDATE hold SET calendar = 'nowhere' WHERE slot = '{lost}'",
        f"UPDATE hold SET calendar = 'other' WHERE slot = '{strange}'",
        f"DELETE FROM slot WHERE id IN ('{orphan}', '{lost}')",
    )
    driver.clock.go(3_600)
    while due := driver.service.due():
        for command in due:
            driver.service.run(command)
    assert {slot["remaining"] for slot in driver.slots().values()} == {1}
    driver.service.repair(driver.service.audit())
    assert driver.query("SELECT COUNT(*) FROM hold") == [(2,)]
