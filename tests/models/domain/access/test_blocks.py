"""Blocks: who sets them where, what they refuse, and what an erasure leaves of them."""

from __future__ import annotations

from typing import Any

import pytest

from models.contract.changes import Customer
from models.contract.commands.background import EraseBlocks, TrimBlocks
from models.contract.commands.blocks import AddBlock, RemoveBlock
from models.contract.commands.bookings import EraseCustomer, NewDetails, RescheduleBooking, UpdateBooking
from models.contract.errors import BadRequest, Blocked, Forbidden, LimitExceeded, NotFound, Unauthorized
from models.contract.principal import OPERATOR, Principal, Role
from models.contract.values.time import HOUR
from models.domain.access import blocks
from models.service import SlotService
from tests.models.driver import GUEST, OTHER, STAFF, Driver, new_key, results

OF_ROOM = Principal(subject="anna", role=Role.STAFF, calendars=frozenset(["room"]))
BLOCKED = Principal(address=GUEST.address, blocked_in=("room",))
EMAIL = "ada@example.org"


def add(driver: Driver, kind: Any = "email", value: str = EMAIL, **fields: Any) -> dict[str, Any]:
    given = {"principal": OPERATOR, "calendar": "room", "kind": kind, "value": value, **fields}
    return results(driver.service.run(AddBlock(**given)))  # type: ignore[no-any-return]


def values(driver: Driver, scope: tuple[str, ...] | None = None) -> list[tuple[str, str | None]]:
    return [(block.calendar, block.value) for block in driver.service.blocks(scope)]


def test_a_block_is_listed_and_removed(driver: Driver) -> None:
    """The newest first; the answers have nothing of the person, as the records of answers are kept."""
    first = add(driver, reason="was rude", principal=OF_ROOM, expires_at=driver.clock.now + HOUR)
    assert first.keys() == {"id", "calendar", "kind", "made_at", "expires_at"}
    driver.clock.go(1)
    add(driver, "address", "192.0.2.9/24", calendar="*")
    newest, oldest = driver.service.blocks(None)
    assert (newest.calendar, newest.value, newest.expires_at) == ("*", "192.0.2.0/24", None)
    assert (oldest.value, oldest.reason, oldest.made_by) == (EMAIL, "was rude", "anna")
    assert values(driver, ("room",)) == [("room", EMAIL)]
    driver.service.run(RemoveBlock(principal=OF_ROOM, block=first["id"]))
    assert [block.calendar for block in driver.service.access().blocks] == ["*"]


def test_the_same_value_has_one_block_in_a_calendar(driver: Driver) -> None:
    """The next one replaces the reason and the end, whatever the spelling."""
    first = add(driver, reason="one")
    again = add(driver, value="ADA@example.org", reason="two", expires_at=driver.clock.now + HOUR)
    assert again["id"] == first["id"]
    (found,) = driver.service.blocks(None)
    assert (found.reason, found.expires_at) == ("two", again["expires_at"])


def test_staff_block_in_their_calendars_and_owners_in_all(driver: Driver) -> None:
    """Nobody blocks in a calendar that is not theirs, and only an owner of all blocks in all."""
    driver.create("other")
    everywhere = add(driver, calendar="*")["id"]
    there = add(driver, calendar="other")["id"]
    guest = Principal(subject="marie", calendars=frozenset(["room"]))
    viewer = Principal(subject="vera", role=Role.VIEWER, calendars=None)
    of_room = Principal(subject="olga", role=Role.OWNER, calendars=frozenset(["room"]))
    for principal in (guest, viewer):
        with pytest.raises(Forbidden):
            add(driver, principal=principal)
    with pytest.raises(Unauthorized):
        add(driver, principal=GUEST)
    for principal in (OF_ROOM, STAFF, of_room):
        add(driver, principal=principal)
        with pytest.raises(Forbidden):
            add(driver, calendar="*", principal=principal)
        with pytest.raises(Forbidden):
            driver.service.run(RemoveBlock(principal=principal, block=everywhere))
    for principal in (OF_ROOM, of_room):
        with pytest.raises(Forbidden):
            driver.service.run(RemoveBlock(principal=principal, block=there))
        with pytest.raises(Forbidden):
            add(driver, calendar="other", principal=principal)
    for name in ("none", driver.open()[0]):
        with pytest.raises(NotFound):
            driver.service.run(RemoveBlock(principal=OPERATOR, block=name))
    with pytest.raises(NotFound):
        add(driver, calendar="none")


def test_a_blocked_customer_takes_no_seats(driver: Driver) -> None:
    """No hold, no booking, no move and no correction; the holder may still cancel. Staff are never blocked."""
    slot, other = driver.open(2, capacity=9)
    held, booked = driver.hold(slot), driver.reserve(slot)
    mine = {"principal": BLOCKED, "key": new_key(), "booking": booked["id"], "token": booked["token"]}
    refused = (
        lambda: driver.hold(slot, principal=BLOCKED),
        lambda: driver.reserve(slot, principal=BLOCKED),
        lambda: driver.reserve(slot, held, principal=BLOCKED),
        lambda: driver.service.run(RescheduleBooking(**mine, slot=other)),
        lambda: driver.service.run(UpdateBooking(**mine, customer=NewDetails(note="late"))),
    )
    for ask in refused:
        with pytest.raises(Blocked):
            ask()
    driver.reserve(slot, principal=Principal(address=GUEST.address, blocked_in=("another",)))
    driver.reserve(slot, principal=Principal(**_fields(STAFF), blocked_in=("*",)))
    driver.cancel(booked, principal=BLOCKED)
    with pytest.raises(Blocked):
        driver.hold(slot, principal=Principal(address=OTHER.address, blocked_in=("*",)))
    explained = {one["rule"]: one["ok"] for one in driver.service.explain(BLOCKED, slot)}
    assert explained["blocked"] is False


def _fields(principal: Principal) -> dict[str, Any]:
    return {name: getattr(principal, name) for name in ("subject", "role", "calendars")}


def test_an_answer_comes_again_to_who_was_blocked_since(driver: Driver) -> None:
    """A repeated key is the first command, which a block does not undo."""
    (slot,) = driver.open()
    first = driver.hold(slot, key="the key of a first command")
    assert driver.hold(slot, key="the key of a first command", principal=BLOCKED) == first


@pytest.mark.parametrize(
    ("of", "value"),
    [
        ("email", "nobody"),
        ("email", "  "),
        ("phone", "none"),
        ("address", "0.0.0.0/0"),
        ("address", "example.org"),
        ("sub", " "),
        ("sub", "a\0b"),
    ],
)
def test_a_value_that_nobody_has_is_refused(driver: Driver, of: str, value: str) -> None:
    """The refusal names the field of the request."""
    with pytest.raises(BadRequest) as caught:
        add(driver, of, value)
    assert caught.value.details["field"] == "value"


def test_the_reason_and_the_end_are_checked(driver: Driver) -> None:
    for fields in ({"reason": "a\nb"}, {"expires_at": driver.clock.now}):
        with pytest.raises(BadRequest):
            add(driver, **fields)


def test_there_are_so_many_blocks(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that has ended counts no more, and changing one is no further block."""
    monkeypatch.setattr(blocks, "MOST_BLOCKS", 2)
    add(driver)
    add(driver, "sub", "marie", expires_at=driver.clock.now + HOUR)
    add(driver, reason="again")
    with pytest.raises(LimitExceeded):
        add(driver, "sub", "eve")
    driver.clock.go(3_600)
    add(driver, "sub", "eve")


def test_an_ended_block_is_deleted(driver: Driver) -> None:
    """At exactly its end it is in no list and not in force, and the next trim deletes its row."""
    add(driver, expires_at=driver.clock.now + HOUR)
    assert TrimBlocks() not in driver.service.trims()
    driver.clock.go(3_600)
    assert (driver.service.blocks(None), driver.service.access().blocks) == ([], ())
    assert TrimBlocks() in driver.service.trims()
    assert results(driver.service.run(TrimBlocks())) == 1
    assert driver.query("SELECT id FROM block") == []


def test_a_block_survives_an_erasure_as_a_hash(driver: Driver) -> None:
    """The value and the reason go, in the calendars of the erasure; a block of the same value shows them again."""
    driver.create("other")
    for calendar in ("room", "other", "*"):
        add(driver, reason="was rude", calendar=calendar)
    driver.service.run(EraseBlocks(email="ADA@example.org", scope=("room",)))
    assert sorted(values(driver), key=str) == [("*", EMAIL), ("other", EMAIL), ("room", None)]
    driver.service.run(EraseBlocks(email=EMAIL))
    assert {(block.value, block.reason) for block in driver.service.blocks(None)} == {(None, "")}
    assert len(driver.service.access().blocks) == 3
    assert driver.query("SELECT id FROM block WHERE digest LIKE '%ada%'") == []
    add(driver)
    assert ("room", EMAIL) in values(driver)


def test_an_erased_booking_leaves_the_hash_of_its_customers_blocks(driver: Driver) -> None:
    """Of the e-mail address and of the phone number, in the booking's calendar."""
    (slot,) = driver.open()
    booked = driver.reserve(slot, customer=Customer(name="Ada", email=EMAIL, phone="+43 1 234"))
    add(driver)
    add(driver, "phone", "0043 1234")
    add(driver, "sub", "marie")
    driver.run_as_staff(EraseCustomer, booked)
    assert sorted(values(driver), key=str) == [("room", "marie"), ("room", None), ("room", None)]


@pytest.mark.parametrize("is_replaced", [False, True])
def test_an_erasure_finds_a_block_of_a_former_secret(driver: Driver, *, is_replaced: bool) -> None:
    """The value is hashed anew when the secret changes, so that it goes also when the former one is gone."""
    add(driver)
    old, new = driver.service.secret, b"a new secret of the tests"
    changed = SlotService(driver.service.url, new, previous_secret=b"" if is_replaced else old, clock=driver.clock)
    if is_replaced:
        changed.replace_secret()
    else:
        changed.open()
        changed.close()
    later = SlotService(driver.service.url, new, clock=driver.clock)
    later.open()
    later.run(EraseBlocks(email=EMAIL.upper(), scope=None))
    (found,) = later.blocks(None)
    later.close()
    assert (found.value, found.reason) == (None, "")


def test_a_copy_of_a_persons_data_has_the_blocks(driver: Driver) -> None:
    """Those of the e-mail address, on the first page."""
    add(driver, reason="was rude")
    add(driver, "sub", "marie")
    (found,) = driver.service.export(OPERATOR, "ADA@example.org", None, "", 100).blocks  # type: ignore[misc]
    assert (found.value, found.reason) == (EMAIL, "was rude")
    assert driver.service.export(OPERATOR, EMAIL, ("other",), "", 100).blocks == []
