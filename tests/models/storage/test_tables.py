"""The tables refuse rows that break a rule, from any writer."""

from __future__ import annotations

import pytest

from models.contract.values.time import DAY
from tests.models.outside import AT, Outside, slot_row, take, uuid
from tests.support.databases.outsider import Refused, write

REFUSED = {
    "end before start": f'UPDATE slot SET "end" = {AT - 1}',
    "no seats": "UPDATE slot SET capacity = 0",
    "fewer seats than are taken": "UPDATE slot SET capacity = 1",
    "removed with seats taken": "UPDATE slot SET state = 2",
    "no such state": "UPDATE slot SET state = 5",
    "before 1970": "UPDATE slot SET start = -1",
    "after 9999": f'UPDATE slot SET start = {1 << 50}, "end" = {(1 << 50) + 1}',
    "longer than a year": f'UPDATE slot SET "end" = {AT + 400 * DAY}',
    "no JSON": "UPDATE slot SET data = '{x'",
    "too much JSON": f"""UPDATE slot SET data = '"{"x" * 5_000}"'""",
    "no calendar": slot_row(9, calendar="nowhere"),
    "no UUID": f"INSERT INTO slot (id, calendar, start, \"end\") VALUES ('x', 'room', {AT}, {AT + 1})",
    "a booking of no slot": f"INSERT INTO booking (calendar, slot) VALUES ('room', '{uuid(9)}')",
    "a booking without UUID": f"INSERT INTO booking (id, calendar, slot) VALUES ('x', 'room', '{uuid(1)}')",
    "an overfull slot": f"INSERT INTO booking (calendar, slot, seats) VALUES ('room', '{uuid(1)}', 2)",
    "an overfull slot by holds": f"INSERT INTO hold (calendar, slot, seats) VALUES ('room', '{uuid(1)}', 2)",
    "no seats booked": "UPDATE booking SET seats = 0",
    "no such status": "UPDATE booking SET status = 'gone'",
    "a policy that is none": "UPDATE calendar SET policy = '[]'",
    "no such policy": """UPDATE calendar SET policy = '{"hold_minutes":5}'""",
    "a policy out of bounds": """UPDATE calendar SET policy = '{"hold_seconds":5}'""",
    "no limit of bookings": """UPDATE calendar SET policy = '{"max_bookings":0}'""",
    "too many bookings a day": """UPDATE calendar SET policy = '{"max_bookings_per_day":10001}'""",
    "no such demand": """UPDATE calendar SET policy = '{"phone":"maybe"}'""",
    "an empty place": """UPDATE calendar SET policy = '{"place":""}'""",
    "many questions": f"""UPDATE calendar SET policy = '{{"questions":[{",".join(['{"label":"x"}'] * 11)}]}}'""",
    "long questions": f"""UPDATE calendar SET policy = '{{"questions":[{{"label":"{"x" * 9_000}"}}]}}'""",
    "a question that is none": """UPDATE calendar SET policy = '{"questions":["Why?"]}'""",
    "a question without a text": """UPDATE calendar SET policy = '{"questions":[{"required":true}]}'""",
    "a choice that is no text": """UPDATE calendar SET policy = '{"questions":[{"label":"x","choices":[1]}]}'""",
    "no number": """UPDATE calendar SET policy = '{"max_holds":"many"}'""",
    "a strange id": "INSERT INTO calendar (id, name) VALUES ('A calendar', 'x')",
    "no such visibility": "UPDATE calendar SET visibility = 'hidden'",
    "a calendar without a name": "UPDATE calendar SET name = ''",
    "a long name of a calendar": f"UPDATE calendar SET name = '{'x' * 201}'",
    "a calendar made before 1970": "UPDATE calendar SET created_at = -1",
    "a long note": f"UPDATE booking SET note = '{'x' * 2_001}'",
    "fewer than no seats overbooked": "UPDATE slot SET overbooked = -1",
    "many names of rules": f"UPDATE booking SET overridden = '{'x' * 201}'",
    "a pending booking until after 9999": f"UPDATE booking SET expires_at = {1 << 50}",
    "a slot with seats taken is deleted": "DELETE FROM slot",
    "a calendar with slots is deleted": "DELETE FROM calendar",
}


@pytest.mark.parametrize("sql", REFUSED.values(), ids=REFUSED)
def test_an_invalid_row_is_refused(outside: Outside, sql: str) -> None:
    """The database refuses the write in the writer's own transaction, and no change follows."""
    outside.write(slot_row(1) + "UPDATE slot SET capacity = 3")
    outside.write(
        f"INSERT INTO booking (calendar, slot) VALUES ('room', '{uuid(1)}');"
        f"INSERT INTO booking (calendar, slot) VALUES ('room', '{uuid(1)}')"
    )
    with pytest.raises(Refused):
        write(outside.driver.service.url, ("PRAGMA foreign_keys = ON;" if outside.is_sqlite else "") + sql)
    assert take(outside.driver.service) == 0


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE calendar SET name = {}",
        "UPDATE calendar SET zone = {}",
        "UPDATE slot SET data = '\"' || {} || '\"'",
        "UPDATE booking SET name = {}",
        "UPDATE booking SET overridden = {}",
        f"INSERT INTO hold (calendar, slot, holder) VALUES ('room', '{uuid(1)}', {{}})",
        "UPDATE hold SET holder = {}",
        "UPDATE hold SET overridden = {}",
    ],
)
@pytest.mark.parametrize("text", ["CAST(x'e9' AS TEXT)", "CAST(x'9262' AS TEXT)", "'a' || char(0)"])
def test_a_text_that_is_not_utf_8_is_refused(outside: Outside, sql: str, text: str) -> None:
    """SQLite stores any bytes, like those of a script in Latin-1, and the service could not read them back."""
    outside.write(slot_row(1) + "UPDATE slot SET capacity = 3")
    outside.write(
        f"INSERT INTO booking (calendar, slot) VALUES ('room', '{uuid(1)}');"
        f"INSERT INTO hold (calendar, slot) VALUES ('room', '{uuid(1)}')"
    )
    with pytest.raises(Refused):
        write(outside.driver.service.url, sql.format(text))
    outside.write(f"UPDATE booking SET name = '{'Zoë 😀' * 30}'; UPDATE slot SET data = '\"é\"'")
    assert outside.viewer.slots[uuid(1)]["data"] == "é"


@pytest.mark.only("sqlite")
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE slot SET overbooked = 'many'",
        "UPDATE booking SET overridden = x'61'",
        "UPDATE booking SET expires_at = 'soon'",
    ],
)
def test_a_value_of_another_type_is_refused(outside: Outside, sql: str) -> None:
    """A column of SQLite takes a value of any type, and the service could not use it."""
    outside.write(slot_row(1))
    outside.write(f"INSERT INTO booking (calendar, slot) VALUES ('room', '{uuid(1)}')")
    with pytest.raises(Refused):
        write(outside.driver.service.url, sql)
