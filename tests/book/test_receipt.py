"""One command, once, however often it is sent."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from models.change import Customer
from models.clock import HOUR
from models.commands import (
    Asker,
    CancelBooking,
    CloseSlot,
    ConfirmBooking,
    CreateCalendar,
    HoldSlot,
    NewSlot,
    OpenSlots,
    ReleaseHold,
    RescheduleBooking,
    SetSchedule,
    TrimLog,
    UpdateSlot,
)
from models.errors import AlreadyExists, BadRequest, IdempotencyMismatch, SlotUnavailable
from tests.book.desk import GUEST, STAFF, Desk, Viewer, booking, code, held, new_key, results

KEY = "k" * 22


def test_the_same_key_and_command_answers_the_same(desk: Desk) -> None:
    """Answer, cursor and token are the first ones, and nothing is done again, whatever has happened since."""
    slot, other = desk.open(2)
    for command in (HoldSlot(asker=GUEST, key=new_key(), slot=slot), booking(other)):
        first = desk.book.run(command)
        desk.open()
        viewer = Viewer(desk.book, "room")
        assert desk.book.run(command) == first
        assert "token" in results(first)
        assert viewer.follow() == []


def test_a_repeated_command_in_one_batch_is_done_once(desk: Desk) -> None:
    """A receipt is found before it is committed, by whatever follows in its transaction."""
    command = booking(desk.open()[0])
    first, second, third = desk.together([command, command, command])
    assert first == second == third
    assert code(first) == "ok"


def test_when_it_was_received_is_no_part_of_a_command(desk: Desk) -> None:
    """A retry arrives later than the request that it repeats."""
    (slot,) = desk.open()
    first = desk.book.run(booking(slot, key=KEY, received=desk.clock.now))
    desk.clock.go(10)
    assert desk.book.run(booking(slot, key=KEY, received=desk.clock.now)) == first


def test_another_command_under_a_key_is_refused(desk: Desk) -> None:
    """Another slot, customer or kind of command; the first one stands."""
    slot, other = desk.open(2, capacity=3)
    desk.reserve(slot, key=KEY)
    for command in (
        booking(other, key=KEY),
        booking(slot, key=KEY, customer=Customer(name="Another")),
        booking(slot, key=KEY, seats=1),
        HoldSlot(asker=GUEST, key=KEY, slot=slot),
    ):
        with pytest.raises(IdempotencyMismatch):
            desk.book.run(command)


def test_a_refusal_keeps_no_receipt(desk: Desk) -> None:
    """The same request is tried anew, and may succeed."""
    (slot,) = desk.open()
    hold = desk.hold(slot)
    command = booking(slot, asker=Asker(address="another"))
    with pytest.raises(SlotUnavailable):
        desk.book.run(command)
    desk.release(hold)
    assert results(desk.book.run(command))["status"] == "confirmed"


def test_a_key_is_its_callers_in_one_calendar(desk: Desk) -> None:
    """Two subjects may use one key, and one subject in two calendars; a guest's key is a guest's wherever it is."""
    me, you = (Asker(subject=name, calendars=None) for name in ("me", "you"))
    (slot,) = desk.open(capacity=9)
    mine, yours = (desk.reserve(slot, asker=asker, key="1") for asker in (me, you))
    assert mine["id"] != yours["id"]
    assert desk.reserve(slot, asker=me, key="1") == mine
    first = desk.reserve(slot, key=KEY)
    assert desk.reserve(slot, key=KEY, asker=Asker(address="moved to another network")) == first
    desk.create("other")
    (there,) = desk.open()
    assert desk.reserve(there, asker=me, key="1")["id"] != mine["id"]


def test_parts_of_a_key_cannot_be_shifted(desk: Desk) -> None:
    """A subject and key that join to the same text as another's are still two."""
    (slot,) = desk.open(capacity=2)
    first = desk.reserve(slot, asker=Asker(subject="a", calendars=None), key="b\0c")
    second = desk.reserve(slot, asker=Asker(subject="a\0b", calendars=None), key="c")
    assert first["id"] != second["id"]


def test_which_commands_need_a_key(desk: Desk) -> None:
    """Hold, extend, release, book, cancel and open are not done without one."""
    (slot,) = desk.open(capacity=5)
    hold, booked = desk.hold(slot), desk.reserve(slot)
    start = desk.clock.now + HOUR
    for command in (
        HoldSlot(asker=GUEST, slot=slot),
        ReleaseHold(asker=GUEST, hold=held(hold)),
        CancelBooking(asker=GUEST, booking=booked["id"], token=booked["token"]),
        OpenSlots(asker=STAFF, calendar="room", slots=(NewSlot(start=start, end=start + HOUR),)),
    ):
        with pytest.raises(BadRequest) as refused:
            desk.book.run(command)
        assert refused.value.details == {"field": "key"}
    desk.book.run(CloseSlot(asker=STAFF, slot=slot))


@pytest.mark.parametrize(("key", "is_long_enough"), [("k" * 21, False), ("k" * 22, True), ("k" * 201, False)])
def test_a_guests_key_is_long(desk: Desk, key: str, is_long_enough: bool) -> None:
    """Without a token the key is all that tells one guest from another; with one, any will do."""
    (slot,) = desk.open(capacity=5)
    if is_long_enough:
        desk.reserve(slot, key=key)
    else:
        with pytest.raises(BadRequest):
            desk.reserve(slot, key=key)
    desk.reserve(slot, asker=Asker(subject="me"), key="1")


def test_a_key_on_any_mutation_is_honoured(desk: Desk) -> None:
    """Also where none is required: creating a calendar twice is once."""
    command = CreateCalendar(asker=STAFF, key="1", calendar="other", name="Other", zone="Etc/UTC")
    first = desk.book.run(command)
    assert desk.book.run(command) == first
    with pytest.raises(AlreadyExists):
        desk.book.run(CreateCalendar(asker=STAFF, calendar="other", name="Other", zone="Etc/UTC"))


def test_a_release_repeated_tells_no_token(desk: Desk) -> None:
    """The repeated answer is the first one, which had none."""
    hold = desk.hold(desk.open()[0])
    command = ReleaseHold(asker=GUEST, key=new_key(), hold=held(hold))
    first = desk.book.run(command)
    assert desk.book.run(command) == first
    assert "token" not in results(first)


def test_what_only_looks_like_a_token_is_repeated_as_it_is(desk: Desk) -> None:
    """A slot's `data` is what staff wrote, in whatever answer it stands."""
    data = b'{"token":""}'
    start = desk.clock.now + 9 * HOUR
    opened = OpenSlots(
        asker=STAFF, key="1", calendar="room", slots=(NewSlot(start=start, end=start + HOUR, capacity=2, data=data),)
    )
    first = desk.book.run(opened)
    (slot,) = results(first)
    desk.reserve(slot["id"])
    updated = UpdateSlot(asker=STAFF, key="2", slot=slot["id"], data=b'{"hold":{"id":"x","token":""}}')
    hours = {"windows": [{"days": ["mon"], "start": "12:00", "end": "13:00"}], "slot_minutes": 60, "from": "2027-01-04"}
    scheduled = SetSchedule(asker=STAFF, key="3", calendar="room", schedule=hours)
    desk.book.run(scheduled)
    (kept,) = [one for one in desk.slots().values() if one["start"] == "2027-01-04T12:00:00Z"]
    desk.book.run(UpdateSlot(asker=STAFF, slot=kept["id"], data=data))
    desk.reserve(kept["id"])
    dropping = SetSchedule(asker=STAFF, key="4", calendar="room", schedule=hours | {"windows": []})
    answers = [first, *[desk.book.run(command) for command in (updated, dropping)]]
    assert all(b'"token":""' in answer.result for answer in answers)
    assert [desk.book.run(command) for command in (opened, updated, dropping)] == answers


def test_a_receipt_goes_with_a_booking_that_moves(desk: Desk) -> None:
    """What was asked of it in its old calendar is answered as it was then, and not done again in the new one."""
    desk.create("asked", confirmation="staff")
    here, there = desk.open(2)
    booked = desk.reserve(here)
    confirming = ConfirmBooking(asker=STAFF, key="c1", booking=booked["id"])
    first = desk.book.run(confirming)
    desk.create("other", confirmation="staff")
    (elsewhere,) = desk.open()
    moving = RescheduleBooking(asker=GUEST, key=KEY, booking=booked["id"], token=booked["token"], slot=elsewhere)
    desk.book.run(moving)
    assert desk.book.run(confirming) == first
    assert desk.book.bookings_by_id([booked["id"]])[booked["id"]].status == "pending"
    with pytest.raises(IdempotencyMismatch):
        desk.book.run(msgspec.structs.replace(moving, slot=there))


def test_a_key_on_two_bookings_of_a_calendar_is_a_mistake(desk: Desk) -> None:
    """A key stands for one command in its calendar, whatever that is about."""
    (slot,) = desk.open(capacity=2)
    one, two = (desk.reserve(slot) for _ in range(2))
    cancelling = CancelBooking(asker=GUEST, key=KEY, booking=one["id"], token=one["token"])
    desk.book.run(cancelling)
    with pytest.raises(IdempotencyMismatch):
        desk.book.run(msgspec.structs.replace(cancelling, booking=two["id"], token=two["token"]))


def test_a_receipt_is_kept_for_a_day(desk: Desk) -> None:
    """After that it goes with the next trimming."""
    (slot,) = desk.open(start=desk.clock.now + 72 * HOUR, capacity=2)
    first = desk.reserve(slot, key=KEY)
    desk.clock.go(86_400)
    desk.book.run(TrimLog(calendar="room"))
    assert desk.reserve(slot, key=KEY) == first
    desk.clock.go(1)
    desk.book.run(TrimLog(calendar="room"))
    assert desk.reserve(slot, key=KEY)["id"] != first["id"]


def test_no_secret_is_in_the_database(desk: Desk, kind: str) -> None:
    """Tokens, keys, subjects and addresses are nowhere in it, in no page of its file; customers in bookings only."""
    (slot,) = desk.open(capacity=5)
    me = Asker(subject="a-subject-of-mine", address="203.0.113.99", calendars=None)
    hold = desk.hold(slot, asker=me, key="a-key-of-mine-0000000000")
    booked = desk.reserve(slot, desk.hold(slot), key="another-key-of-mine-000000")
    desk.cancel(desk.reserve(slot))
    secrets = [hold["token"], booked["token"], me.subject, me.address, "key-of-mine", "a secret of the tests"]
    if kind == "sqlite":
        desk.query("PRAGMA wal_checkpoint(TRUNCATE)")
        content = Path(desk.path).read_bytes()
    else:
        tables = desk.query("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
        assert len(tables) >= 7
        content = repr([desk.query(f"SELECT * FROM {table}") for (table,) in tables]).encode()
    assert booked["id"].encode() in content
    for secret in secrets:
        assert secret.encode() not in content
    for table in ("calendar", "slot", "hold", "receipt", "change_log"):
        rows = repr(desk.query(f"SELECT * FROM {table}"))
        assert "Ada Example" not in rows
        assert "ada@example.org" not in rows
