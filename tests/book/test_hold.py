"""Holds: seats kept for a while."""

from __future__ import annotations

import pytest

from models.commands import Asker, CloseSlot, HeldSeat, LapseHolds, ReleaseHold, UpdateCalendar
from models.errors import (
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
from tests.book.desk import GUEST, STAFF, Desk, Viewer, held, new_key, results

OTHER = Asker(address="198.51.100.7")


def test_a_hold_takes_its_seats_at_once(desk: Desk) -> None:
    """Held seats are nobody else's, and the slot says until when."""
    (slot,) = desk.open(capacity=2)
    hold = desk.hold(slot, 2)
    seen = desk.slot(slot)
    assert (seen["held"], seen["remaining"], seen["status"], seen["bookable"]) == (2, 0, "held", False)
    assert seen["held_until"] == hold["expires_at"] == "2027-01-04T00:05:00Z"
    with pytest.raises(SlotUnavailable):
        desk.hold(slot, asker=OTHER)


def test_held_until_is_when_the_first_hold_lapses(desk: Desk) -> None:
    """Each hold has its own time; the slot shows the earliest of those that are left."""
    (slot,) = desk.open(capacity=3)
    first = desk.hold(slot)
    desk.clock.go(60)
    desk.hold(slot)
    assert desk.slot(slot)["held_until"] == "2027-01-04T00:05:00Z"
    desk.release(first)
    assert desk.slot(slot)["held_until"] == "2027-01-04T00:06:00Z"


@pytest.mark.parametrize(("after", "is_free"), [(299.9, False), (300, False), (300.499, False), (300.5, True)])
def test_others_get_a_lapsed_holds_seats_after_its_grace(desk: Desk, after: float, is_free: bool) -> None:
    """From half a second after its end, whoever asks gets the seats, sweep or no sweep; not before."""
    (slot,) = desk.open()
    desk.hold(slot)
    desk.clock.go(after)
    if is_free:
        desk.reserve(slot, asker=OTHER)
    else:
        with pytest.raises(SlotUnavailable):
            desk.reserve(slot, asker=OTHER)


def test_the_sweep_gives_seats_back_by_a_change(desk: Desk) -> None:
    """Time alone moves no counter; the sweep does, for at most 200 holds a change, and leaves what has not lapsed."""
    slots = desk.open(201)
    for place, slot in enumerate(slots):
        desk.hold(slot, asker=Asker(address=f"address {place}"))
    desk.clock.go(200)
    fresh = desk.hold(desk.open()[0], asker=OTHER)
    desk.clock.go(100.6)
    assert desk.slot(slots[0])["status"] == "held"
    viewer = Viewer(desk.book, "room")
    counts = []
    while due := desk.book.due():
        assert due == [LapseHolds(calendar="room")]
        counts.append(results(desk.book.run(due[0])))
    assert counts == [200, 1]
    assert [len(change["slots"]) for change in viewer.follow()] == [200, 1]
    viewer.check()
    assert desk.slot(fresh["slot"])["status"] == "held"


def test_two_holds_on_one_slot_lapse_together(desk: Desk) -> None:
    """A slot stands once in a change, however many of its holds went."""
    (slot,) = desk.open(capacity=3)
    for _ in range(3):
        desk.hold(slot)
    desk.clock.go(301)
    viewer = Viewer(desk.book, "room")
    desk.book.run(LapseHolds(calendar="room"))
    (change,) = viewer.follow()
    assert [(one["id"], one["held"]) for one in change["slots"]] == [(slot, 0)]


def test_a_sweep_with_nothing_to_do_makes_no_change(desk: Desk) -> None:
    """What the clock asks for in vain is not told of."""
    viewer = Viewer(desk.book, "room")
    desk.book.run(LapseHolds(calendar="room"))
    assert viewer.follow() == []


def test_a_request_counts_from_when_it_was_received(desk: Desk) -> None:
    """A holder whose request arrived before the end is served, though its turn came in the grace."""
    (slot,) = desk.open()
    hold = desk.hold(slot)
    desk.clock.go(300.3)
    with pytest.raises(HoldExpired):
        desk.reserve(slot, hold, received=desk.clock.now)
    with pytest.raises(HoldExpired):
        desk.reserve(slot, hold)
    assert desk.reserve(slot, hold, received=desk.clock.now - 400)["status"] == "confirmed"


def test_a_swept_hold_is_expired_whenever_its_request_came(desk: Desk) -> None:
    """Once the seats went back they are others': there is nothing left to confirm."""
    (slot,) = desk.open()
    hold = desk.hold(slot)
    desk.clock.go(301)
    desk.book.run(LapseHolds(calendar="room"))
    with pytest.raises(HoldExpired):
        desk.reserve(slot, hold, received=desk.clock.now - 5_000)


def test_an_extension_is_from_now_and_at_most_twice_in_all(desk: Desk) -> None:
    """It sets now + hold_seconds, but never past twice hold_seconds from the start; then it changes nothing."""
    (slot,) = desk.open()
    hold = desk.hold(slot)
    desk.clock.go(200)
    assert desk.extend(hold)["expires_at"] == "2027-01-04T00:08:20Z"
    desk.clock.go(290)
    assert desk.extend(hold)["expires_at"] == "2027-01-04T00:10:00Z"
    assert desk.slot(slot)["held_until"] == "2027-01-04T00:10:00Z"
    viewer = Viewer(desk.book, "room")
    assert desk.extend(hold)["expires_at"] == "2027-01-04T00:10:00Z"
    assert viewer.follow() == []
    desk.clock.go(120)
    with pytest.raises(HoldExpired):
        desk.extend(hold)


def test_releasing_is_idempotent(desk: Desk) -> None:
    """The seats come back once; a second release, or one after the hold ran out, changes nothing."""
    (slot,) = desk.open(capacity=2)
    desk.hold(slot)
    hold = desk.hold(slot)
    desk.release(hold)
    viewer = Viewer(desk.book, "room")
    desk.release(hold)
    assert viewer.follow() == []
    assert desk.slot(slot)["remaining"] == 1


def test_a_booked_hold_is_spent(desk: Desk) -> None:
    """It can be neither released, nor extended, nor booked again."""
    (slot,) = desk.open(capacity=5)
    hold = desk.hold(slot)
    desk.reserve(slot, hold)
    for what in (desk.release, desk.extend):
        with pytest.raises(InvalidTransition):
            what(hold)
    with pytest.raises(InvalidTransition):
        desk.reserve(slot, hold)


@pytest.mark.parametrize("token", ["", "x", "\ud800", "é", "A" * 22])
def test_a_hold_is_whose_token_is_shown(desk: Desk, token: str) -> None:
    """Another token is refused, whatever it is made of."""
    hold = desk.hold(desk.open()[0])
    with pytest.raises((HoldNotYours, BadRequest)):
        desk.book.run(ReleaseHold(asker=GUEST, key=new_key(), hold=HeldSeat(id=hold["id"], token=token)))


def test_there_is_no_hold_that_there_is_not(desk: Desk) -> None:
    """An id that is no hold's is not found, nor is one that is no id."""
    (slot,) = desk.open()
    for name in (slot, "", "x" * 5_000, "\0"):
        with pytest.raises(NotFound):
            desk.book.run(ReleaseHold(asker=GUEST, key=new_key(), hold=HeldSeat(id=name, token="x")))
        with pytest.raises(NotFound):
            desk.reserve(slot, {"id": name, "token": "x"})


def test_holds_are_counted_by_holder(desk: Desk) -> None:
    """`max_holds` active ones for each holder of a calendar; another holder has as many."""
    desk.create("few", max_holds=2)
    slots = desk.open(4)
    first = desk.hold(slots[0])
    desk.hold(slots[1])
    with pytest.raises(LimitExceeded) as refused:
        desk.hold(slots[2])
    assert refused.value.details == {"rule": "max_holds", "max_holds": 2}
    desk.hold(slots[2], asker=OTHER)
    desk.hold(slots[3], asker=Asker(subject="me", address=GUEST.address))
    desk.release(first)
    desk.hold(slots[0])


def test_a_hold_that_ran_out_is_not_counted(desk: Desk) -> None:
    """Not even before the sweep has been."""
    desk.create("one", max_holds=1)
    slots = desk.open(2)
    desk.hold(slots[0])
    desk.clock.go(300)
    desk.hold(slots[1])


def test_the_length_of_a_hold_is_the_calendars(desk: Desk) -> None:
    """`hold_seconds` is the policy's."""
    desk.create("short", hold_seconds=30)
    assert desk.hold(desk.open()[0])["expires_at"] == "2027-01-04T00:00:30Z"


def test_more_than_there_are_is_refused_by_its_rule(desk: Desk) -> None:
    """Too many seats is `capacity_exceeded`, none left is `slot_unavailable`."""
    (slot,) = desk.open(capacity=3)
    desk.hold(slot, 2)
    with pytest.raises(CapacityExceeded) as refused:
        desk.hold(slot, 2)
    assert refused.value.details == {"rule": "capacity", "capacity": 3, "remaining": 1}
    desk.hold(slot)
    with pytest.raises(SlotUnavailable):
        desk.hold(slot)
    for seats in (0, -1, 10_001, 10**30):
        with pytest.raises(BadRequest):
            desk.hold(slot, seats)


def test_notice_and_horizon_are_kept(desk: Desk) -> None:
    """A slot that starts too soon, or too far ahead, is not to be had; nor one that has begun."""
    desk.create("near", min_notice=3_600, max_advance=7_200)
    now = desk.clock.now
    soon, near, far = (desk.open(start=now + ahead * 1_000)[0] for ahead in (3_599, 3_600, 7_201))
    with pytest.raises(TooSoon) as too_soon:
        desk.hold(soon)
    assert too_soon.value.details == {"rule": "min_notice", "min_notice": 3_600}
    desk.hold(near)
    with pytest.raises(TooFar):
        desk.hold(far)
    desk.create("plain")
    (begun,) = desk.open(start=now)
    with pytest.raises(TooSoon):
        desk.hold(begun)


def test_who_may_hold(desk: Desk) -> None:
    """A private calendar, and one for token holders, wants a token that names it; a token without it is forbidden."""
    (slot,) = desk.open()
    named = Asker(subject="guest", calendars=frozenset({"room"}))
    elsewhere = Asker(subject="guest", calendars=frozenset({"other"}))
    for update in (
        UpdateCalendar(asker=STAFF, calendar="room", visibility="private"),
        UpdateCalendar(asker=STAFF, calendar="room", visibility="public", booking="token"),
    ):
        desk.book.run(update)
        with pytest.raises(Unauthorized):
            desk.hold(slot)
        with pytest.raises(Forbidden):
            desk.hold(slot, asker=elsewhere)
        desk.release(desk.hold(slot, asker=named))


def test_confirming_asks_the_hold_alone(desk: Desk) -> None:
    """A hold is confirmed though its slot was closed, its time came near, or the calendar changed its mind."""
    (slot,) = desk.open()
    hold = desk.hold(slot)
    desk.book.run(CloseSlot(asker=STAFF, slot=slot))
    desk.book.run(UpdateCalendar(asker=STAFF, calendar="room", booking="token", policy={"min_notice": 86_400 * 30}))
    assert desk.reserve(slot, hold)["status"] == "confirmed"


def test_a_hold_pays_for_its_own_slot_only(desk: Desk) -> None:
    """Nor for more seats than it has."""
    slot, other = desk.open(2, capacity=5)
    hold = desk.hold(slot, 2)
    with pytest.raises(BadRequest):
        desk.reserve(other, hold)
    with pytest.raises(BadRequest):
        desk.reserve(slot, hold, seats=3)
    assert held(hold).token == hold["token"]


def test_fewer_seats_release_the_rest(desk: Desk) -> None:
    """The default is all of them."""
    (slot,) = desk.open(capacity=5)
    assert desk.reserve(slot, desk.hold(slot, 3), seats=1)["seats"] == 1
    assert desk.reserve(slot, desk.hold(slot, 2))["seats"] == 2
    seen = desk.slot(slot)
    assert (seen["held"], seen["remaining"]) == (0, 2)


def test_if_still_free_tries_the_plain_way(desk: Desk) -> None:
    """After the hold ran out its holder gets the seats if nobody else has them, even while its grace keeps others
    out; not so when they are gone.
    """
    slot, gone = desk.open(2)
    hold, lost = desk.hold(slot), desk.hold(gone)
    desk.clock.go(300.2)
    assert desk.reserve(slot, hold, if_still_free=True)["status"] == "confirmed"
    desk.clock.go(0.4)
    desk.reserve(gone, asker=OTHER)
    with pytest.raises(SlotUnavailable):
        desk.reserve(gone, lost, if_still_free=True)
