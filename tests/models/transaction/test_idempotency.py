"""One command, once, however often it is sent."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from models.contract.changes import Customer
from models.contract.commands.background import TrimLog
from models.contract.commands.bookings import CancelBooking, ConfirmBooking, RescheduleBooking
from models.contract.commands.calendars import CreateCalendar, SetSchedule
from models.contract.commands.holds import HoldSlot, ReleaseHold
from models.contract.commands.slots import CloseSlot, NewSlot, OpenSlots, UpdateSlot
from models.contract.errors import AlreadyExists, BadRequest, IdempotencyMismatch, SlotUnavailable
from models.contract.principal import Principal
from models.contract.values.time import HOUR
from tests.models.driver import GUEST, STAFF, Driver, Viewer, booking, code, new_key, proof, results

KEY = "k" * 22


def test_the_same_key_and_command_answers_the_same(driver: Driver) -> None:
    """A retry gets the first answer, cursor and token, and nothing is done again, whatever has happened since."""
    slot, other = driver.open(2)
    for command in (HoldSlot(principal=GUEST, key=new_key(), slot=slot), booking(other)):
        first = driver.service.run(command)
        driver.open()
        viewer = Viewer(driver.service, "room")
        assert driver.service.run(command) == first
        assert "token" in results(first)
        assert viewer.follow() == []


def test_a_repeated_command_in_one_batch_is_done_once(driver: Driver) -> None:
    """A later command of the same transaction finds the record before its commit."""
    command = booking(driver.open()[0])
    first, second, third = driver.together([command, command, command])
    assert first == second == third
    assert code(first) == "ok"


def test_when_it_was_received_is_no_part_of_a_command(driver: Driver) -> None:
    """A retry arrives later than the request that it repeats."""
    (slot,) = driver.open()
    first = driver.service.run(booking(slot, key=KEY, received=driver.clock.now))
    driver.clock.go(10)
    assert driver.service.run(booking(slot, key=KEY, received=driver.clock.now)) == first


def test_another_command_under_a_key_is_refused(driver: Driver) -> None:
    """Another slot, customer or kind of command; the first one stands."""
    slot, other = driver.open(2, capacity=3)
    driver.reserve(slot, key=KEY)
    for command in (
        booking(other, key=KEY),
        booking(slot, key=KEY, customer=Customer(name="Another")),
        booking(slot, key=KEY, seats=1),
        HoldSlot(principal=GUEST, key=KEY, slot=slot),
    ):
        with pytest.raises(IdempotencyMismatch):
            driver.service.run(command)


def test_a_refusal_keeps_no_record(driver: Driver) -> None:
    """The same request is tried anew, and may succeed."""
    (slot,) = driver.open()
    hold = driver.hold(slot)
    command = booking(slot, principal=Principal(address="another"))
    with pytest.raises(SlotUnavailable):
        driver.service.run(command)
    driver.release(hold)
    assert results(driver.service.run(command))["status"] == "confirmed"


def test_a_key_is_its_callers_in_one_calendar(driver: Driver) -> None:
    """Two subjects may use one key, and one subject in two calendars; a guest's key is a guest's wherever it is."""
    me, you = (Principal(subject=name, calendars=None) for name in ("me", "you"))
    (slot,) = driver.open(capacity=9)
    mine, yours = (driver.reserve(slot, principal=principal, key="1") for principal in (me, you))
    assert mine["id"] != yours["id"]
    assert driver.reserve(slot, principal=me, key="1") == mine
    first = driver.reserve(slot, key=KEY)
    assert driver.reserve(slot, key=KEY, principal=Principal(address="moved to another network")) == first
    driver.create("other")
    (there,) = driver.open()
    assert driver.reserve(there, principal=me, key="1")["id"] != mine["id"]


def test_parts_of_a_key_cannot_be_shifted(driver: Driver) -> None:
    """Two pairs of subject and key that concatenate to the same text are still two."""
    (slot,) = driver.open(capacity=2)
    first = driver.reserve(slot, principal=Principal(subject="a", calendars=None), key="b\0c")
    second = driver.reserve(slot, principal=Principal(subject="a\0b", calendars=None), key="c")
    assert first["id"] != second["id"]


def test_which_commands_need_a_key(driver: Driver) -> None:
    """Hold, extend, release, book, cancel and open are not done without one."""
    (slot,) = driver.open(capacity=5)
    hold, booked = driver.hold(slot), driver.reserve(slot)
    start = driver.clock.now + HOUR
    for command in (
        HoldSlot(principal=GUEST, slot=slot),
        ReleaseHold(principal=GUEST, **proof(hold)),
        CancelBooking(principal=GUEST, booking=booked["id"], token=booked["token"]),
        OpenSlots(principal=STAFF, calendar="room", slots=(NewSlot(start=start, end=start + HOUR),)),
    ):
        with pytest.raises(BadRequest) as refused:
            driver.service.run(command)
        assert refused.value.details == {"field": "key"}
    driver.service.run(CloseSlot(principal=STAFF, slot=slot))


@pytest.mark.parametrize(("key", "is_long_enough"), [("k" * 21, False), ("k" * 22, True), ("k" * 201, False)])
def test_a_guests_key_is_long(driver: Driver, key: str, is_long_enough: bool) -> None:
    """Without a token only the key tells guests apart, so it must be long; with a token any key will do."""
    (slot,) = driver.open(capacity=5)
    if is_long_enough:
        driver.reserve(slot, key=key)
    else:
        with pytest.raises(BadRequest):
            driver.reserve(slot, key=key)
    driver.reserve(slot, principal=Principal(subject="me"), key="1")


def test_a_key_on_any_mutation_is_honoured(driver: Driver) -> None:
    """Creating a calendar twice with one key is once, although it needs no key."""
    command = CreateCalendar(principal=STAFF, key="1", calendar="other", name="Other", zone="Etc/UTC")
    first = driver.service.run(command)
    assert driver.service.run(command) == first
    with pytest.raises(AlreadyExists):
        driver.service.run(CreateCalendar(principal=STAFF, calendar="other", name="Other", zone="Etc/UTC"))


def test_a_repeated_release_has_no_token(driver: Driver) -> None:
    """The repeated answer is the first one, and has no token."""
    hold = driver.hold(driver.open()[0])
    command = ReleaseHold(principal=GUEST, key=new_key(), **proof(hold))
    first = driver.service.run(command)
    assert driver.service.run(command) == first
    assert "token" not in results(first)


def test_data_that_looks_like_a_token_is_repeated_unchanged(driver: Driver) -> None:
    """A slot's `data` is repeated as staff wrote it, in every answer."""
    data = b'{"token":""}'
    start = driver.clock.now + 9 * HOUR
    opened = OpenSlots(
        principal=STAFF,
        key="1",
        calendar="room",
        slots=(NewSlot(start=start, end=start + HOUR, capacity=2, data=data),),
    )
    first = driver.service.run(opened)
    (slot,) = results(first)
    driver.reserve(slot["id"])
    updated = UpdateSlot(principal=STAFF, key="2", slot=slot["id"], data=b'{"hold":{"id":"x","token":""}}')
    hours = {"windows": [{"days": ["mon"], "start": "12:00", "end": "13:00"}], "slot_minutes": 60, "from": "2027-01-04"}
    scheduled = SetSchedule(principal=STAFF, key="3", calendar="room", schedule=hours)
    driver.service.run(scheduled)
    (kept,) = [one for one in driver.slots().values() if one["start"] == "2027-01-04T12:00:00Z"]
    driver.service.run(UpdateSlot(principal=STAFF, slot=kept["id"], data=data))
    driver.reserve(kept["id"])
    dropping = SetSchedule(principal=STAFF, key="4", calendar="room", schedule=hours | {"windows": []})
    answers = [first, *[driver.service.run(command) for command in (updated, dropping)]]
    assert all(b'"token":""' in answer.result for answer in answers)
    assert [driver.service.run(command) for command in (opened, updated, dropping)] == answers


def test_a_record_goes_with_a_booking_that_moves(driver: Driver) -> None:
    """A command from before the move gets its first answer, and is not done again in the new calendar."""
    driver.create("asked", confirmation="staff")
    here, there = driver.open(2)
    booked = driver.reserve(here)
    confirming = ConfirmBooking(principal=STAFF, key="c1", booking=booked["id"])
    first = driver.service.run(confirming)
    driver.create("other", confirmation="staff")
    (elsewhere,) = driver.open()
    moving = RescheduleBooking(principal=GUEST, key=KEY, booking=booked["id"], token=booked["token"], slot=elsewhere)
    driver.service.run(moving)
    assert driver.service.run(confirming) == first
    assert driver.service.bookings_by_id([booked["id"]])[booked["id"]].status == "pending"
    with pytest.raises(IdempotencyMismatch):
        driver.service.run(msgspec.structs.replace(moving, slot=there))


def test_a_key_on_two_bookings_of_a_calendar_is_a_mistake(driver: Driver) -> None:
    """A key stands for one command in its calendar, whatever its slot or booking is."""
    (slot,) = driver.open(capacity=2)
    one, two = (driver.reserve(slot) for _ in range(2))
    cancelling = CancelBooking(principal=GUEST, key=KEY, booking=one["id"], token=one["token"])
    driver.service.run(cancelling)
    with pytest.raises(IdempotencyMismatch):
        driver.service.run(msgspec.structs.replace(cancelling, booking=two["id"], token=two["token"]))


def test_a_record_is_kept_for_a_day(driver: Driver) -> None:
    """The record goes with the next trimming after that."""
    (slot,) = driver.open(start=driver.clock.now + 72 * HOUR, capacity=2)
    first = driver.reserve(slot, key=KEY)
    driver.clock.go(86_400)
    driver.service.run(TrimLog(calendar="room"))
    assert driver.reserve(slot, key=KEY) == first
    driver.clock.go(1)
    driver.service.run(TrimLog(calendar="room"))
    assert driver.reserve(slot, key=KEY)["id"] != first["id"]


def test_no_secret_is_in_the_database(driver: Driver, kind: str) -> None:
    """Tokens, keys and addresses are nowhere in it, in no page of its file; customers are in bookings only.

    A token's subject is in the history only.
    """
    (slot,) = driver.open(capacity=5)
    me = Principal(subject="a-subject-of-mine", address="203.0.113.99", calendars=None)
    hold = driver.hold(slot, principal=me, key="a-key-of-mine-0000000000")
    booked = driver.reserve(slot, driver.hold(slot), key="another-key-of-mine-000000")
    driver.cancel(driver.reserve(slot))
    secrets = [hold["token"], booked["token"], me.address, "key-of-mine", "a secret of the tests"]
    if kind == "sqlite":
        driver.query("PRAGMA wal_checkpoint(TRUNCATE)")
        content = Path(driver.path).read_bytes()
    else:
        tables = driver.query("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        assert len(tables) >= 7
        content = repr([driver.query(f"SELECT * FROM {table}") for (table,) in tables]).encode()
    assert booked["id"].encode() in content
    for secret in secrets:
        assert secret.encode() not in content
    for table in ("calendar", "slot", "hold", "booking", "receipt", "change_log"):
        rows = repr(driver.query(f"SELECT * FROM {table}"))
        assert me.subject not in rows
        if table == "booking":
            continue
        assert "Ada Example" not in rows
        assert "ada@example.org" not in rows
