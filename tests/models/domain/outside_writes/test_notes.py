"""The notes of outside writes: each is taken once, and a bulk in parts."""

from __future__ import annotations

import json

from models.contract.commands.background import TakeOutside
from models.contract.commands.calendars import CreateCalendar
from models.contract.values.time import HOUR
from models.service import SlotService
from tests.models.database_audit import audit
from tests.models.driver import STAFF
from tests.models.outside import AT, Outside, slot_row, uuid
from tests.support.databases.outsider import write


def test_an_update_without_a_difference_makes_no_change(outside: Outside) -> None:
    outside.write(slot_row(1))
    assert outside.write("UPDATE slot SET state = state, data = data; UPDATE calendar SET name = name") == []


def test_a_bulk_is_taken_in_small_changes(outside: Outside) -> None:
    """A change of the bulk has at most 100 slots, and the changes are in order."""
    rows = [f"('{uuid(number)}', 'room', {AT + number * HOUR}, {AT + number * HOUR + 1})" for number in range(1, 1_002)]
    changes = outside.write(f'INSERT INTO slot (id, calendar, start, "end") VALUES {", ".join(rows)}')
    assert [len(change["slots"]) for change in changes] == [100] * 10 + [1]
    assert len(outside.viewer.slots) == 1_001
    assert len(outside.write("UPDATE slot SET capacity = 2")) == 11
    assert len(outside.write("DELETE FROM slot")) == 11


def test_a_note_is_taken_once_after_a_restart(database: str) -> None:
    """Two services on one database both look for notes: one change."""
    one, other = (SlotService(database, b"a secret of the tests") for _ in range(2))
    one.open()
    one.run(CreateCalendar(principal=STAFF, calendar="room", name="Room", zone="Etc/UTC"))
    write(database, slot_row(1))
    other.open()
    asked = (one.outside(), other.outside())
    assert asked == ([TakeOutside(calendar="room")],) * 2
    answers = [one.run(asked[0][0]), other.run(asked[1][0])]
    assert [json.loads(answer.result) for answer in answers] == [{"left": False}] * 2
    assert one.snapshot("room", 0, 1 << 52).seq == 1
    one.close()
    other.close()
    audit(database)
