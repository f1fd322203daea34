"""Rows of a batch are written together, and each command sees and leaves the same as alone."""

from __future__ import annotations

from models.contract.commands.bookings import CancelBooking
from models.contract.commands.holds import HoldSlot
from models.contract.errors import InvalidTransition
from models.contract.values.time import HOUR
from tests.models.driver import GUEST, OTHER, STAFF, START, Driver, booking, code, new_key, results


def test_a_batch_leaves_what_its_commands_alone_leave(driver: Driver) -> None:
    """Accepted and refused commands of one batch give the same answers and the same rows as one after the other."""
    answers, states = [], []
    for calendar in ("together", "alone"):
        driver.create(calendar)
        first, second = driver.open(2, capacity=2, start=START + 24 * HOUR)
        commands = [booking(slot, seats=seats) for slot, seats in ((first, 1), (second, 3), (first, 1), (first, 1))]
        commands += [booking(second, principal=OTHER), booking(second)]
        if calendar == "together":
            outcomes = driver.together(commands)
        else:
            outcomes = [driver.together([command])[0] for command in commands]
        answers.append([code(outcome) for outcome in outcomes])
        states.append(
            driver.query(
                "SELECT seats, status, (SELECT start FROM slot WHERE slot.id = booking.slot), booking.version"
                f" FROM booking WHERE calendar = '{calendar}' ORDER BY booking.version"
            )
            + driver.query(f"SELECT seq, type FROM change_log WHERE calendar = '{calendar}' ORDER BY seq")
            + driver.query(f"SELECT seq FROM calendar WHERE id = '{calendar}'")
            + driver.query(f"SELECT held, booked, version FROM slot WHERE calendar = '{calendar}' ORDER BY start")
        )
    assert answers[0] == ["ok", "capacity_exceeded", "ok", "slot_unavailable", "ok", "ok"]
    assert answers[0] == answers[1]
    assert states[0] == states[1]


def test_a_command_sees_the_rows_of_the_commands_before_it(driver: Driver) -> None:
    """A calendar with a limit counts a booking of the same batch, so two at once do not pass it together."""
    driver.create("limited", max_bookings=1)
    slots = driver.open(3)
    outcomes = driver.together([booking(slot) for slot in slots])
    assert sorted(code(outcome) for outcome in outcomes) == ["limit_exceeded", "limit_exceeded", "ok"]


def test_a_repetition_in_the_same_batch_is_done_once(driver: Driver) -> None:
    """The record of the first sending is not in the database yet, and counts."""
    (slot,) = driver.open(capacity=3)
    command = booking(slot)
    first, second = driver.together([command, command])
    assert results(first) == results(second)  # type: ignore[arg-type]
    assert driver.slot(slot)["remaining"] == 2


def test_rows_written_within_a_refused_command_are_written_again(driver: Driver) -> None:
    """A cancellation writes the pending bookings in its savepoint. Its refusal rolls them back, so they pend again."""
    first, second = driver.open(2)
    booked = driver.reserve(first)
    wrong = CancelBooking(principal=GUEST, key=new_key(), booking=booked["id"], token="wrong")
    third = HoldSlot(principal=OTHER, key=new_key(), slot=first)
    outcomes = driver.together([booking(second), wrong, third])
    assert [code(outcome) for outcome in outcomes] == ["ok", "forbidden", "slot_unavailable"]
    assert driver.query("SELECT COUNT(*) FROM booking") == [(2,)]


def test_a_constraint_refuses_one_command_of_a_batch(driver: Driver, kind: str) -> None:
    """The rows of a batch are refused together. Each command is then tried alone, and one is refused."""
    names = ["Sound", "Poisoned", "Sound"]
    slots = driver.open(3)
    commands = [
        booking(slot, principal=STAFF, customer=type(booking(slot).customer)(name=name))
        for slot, name in zip(slots, names, strict=True)
    ]
    database = driver.service._db
    if kind == "sqlite":
        database.execute_sql(
            "CREATE TRIGGER poison BEFORE INSERT ON booking WHEN NEW.name = 'Poisoned'"
            " BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
    else:
        database.execute_sql("ALTER TABLE booking ADD CONSTRAINT poison CHECK (name <> 'Poisoned')")
    try:
        outcomes = driver.together(commands)
    finally:
        gone = "TRIGGER poison" if kind == "sqlite" else ""
        database.execute_sql(f"DROP {gone}" if gone else "ALTER TABLE booking DROP CONSTRAINT poison")
    assert [code(outcome) for outcome in outcomes] == ["ok", "invalid_transition", "ok"]
    assert isinstance(outcomes[1], InvalidTransition)
    assert driver.query("SELECT COUNT(*) FROM booking") == [(2,)]
