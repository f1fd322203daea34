"""The slots of a snapshot have the bytes of the one public view."""

from __future__ import annotations

import json
import random

import pytest

from models.contract.changes import encode
from models.contract.values.time import HOUR
from models.domain.log.public_view import public_slot
from models.query.calendars import read_calendar_row
from models.service import SlotService
from models.storage.compiled_query import CompiledQuery
from models.storage.database import reading
from models.storage.rows import SlotRow, SlotState
from models.storage.seat_guard import SLOT_COLUMNS
from models.storage.tables import Calendar, Slot
from tests.models.driver import EVER, Driver, FakeClock

ROWS = 300
IDS = ("{}", "a slot {}", 'quoted "{}"', "back\\slash {}", "Größe {}", "new\nline {}", "\u2028{}", "\x7f{}", "é😀{}")
DATA = (None, None, "{}", '{"t":1}', '{"name":"Größe 😀"}', '{\n "lines": [1,\r\n 2]}', '"text \\"quoted\\""')

_every = CompiledQuery(Slot.select(*SLOT_COLUMNS).where(Slot.state != SlotState.REMOVED))


@pytest.fixture
def driver(service: SlotService, clock: FakeClock) -> Driver:
    """Return the service with one calendar. It is not audited: its slots are taken by nobody."""
    driver = Driver(service, clock)
    driver.create()
    return driver


def write_any_slots(driver: Driver, count: int) -> None:
    """Write slots in every state, as an outside writer may, around the driver's time."""
    chance = random.Random(7)
    with driver.service._db.changing_schema():
        for number in range(count):
            capacity = chance.choice((1, 1, 2, 7, 10_000))
            overbooked = chance.choice((0, 0, 0, 3))
            held = chance.randint(0, min(capacity, 3))
            booked = chance.choice((0, capacity - held, capacity - held + overbooked))
            state = chance.choice((SlotState.OPEN, SlotState.OPEN, SlotState.CLOSED, SlotState.REMOVED))
            if state == SlotState.REMOVED:
                held = booked = 0
            start = driver.clock.now + chance.choice((-HOUR, -1, 0, 1, 999, 1_000, HOUR, 90 * HOUR + 1))
            Slot.insert(
                id=chance.choice(IDS).format(number),
                calendar="room",
                start=start,
                end=start + chance.choice((1, HOUR, 25 * HOUR)),
                capacity=capacity,
                held=held,
                booked=booked,
                blocked=chance.choice((0, 0, 2)),
                busy=chance.choice((0, 0, 1)),
                held_until=chance.choice((None, driver.clock.now + 1, driver.clock.now + HOUR)),
                state=int(state),
                version=chance.choice((0, 7, 1 << 40)),
                data=chance.choice(DATA),
                overbooked=overbooked,
            ).execute(driver.service._db)


def expected(driver: Driver) -> list[bytes]:
    """Return each slot by the public view, by start and id."""
    db = driver.service._db
    with reading(db):
        head = read_calendar_row(db, "room")
        rows = [SlotRow._make(row) for row in _every.rows(db)]
    rows.sort(key=lambda row: (row.start, row.id))
    return [encode(public_slot(row, head, driver.clock.now)) for row in rows]


def test_slots_in_every_state_are_those_of_the_public_view(driver: Driver) -> None:
    """They are byte for byte, whoever wrote them, also in an archived calendar."""
    write_any_slots(driver, ROWS)
    shown = expected(driver)
    assert [slot.body for slot in driver.service.snapshot("room", -EVER, EVER).slots] == shown
    found = [json.loads(body) for body in shown]
    states = {(slot["status"], slot["bookable"]) for slot in found}
    assert states == {("open", True), ("open", False), ("held", False), ("booked", False), ("closed", False)}
    with driver.service._db.changing_schema():
        Calendar.update(archived=True).execute(driver.service._db)
    archived = [slot.body for slot in driver.service.snapshot("room", -EVER, EVER).slots]
    assert archived == expected(driver)
    assert not any(json.loads(body)["bookable"] for body in archived)


def test_a_page_is_in_the_same_order(driver: Driver) -> None:
    """Pages are in order of start and id, by the ids' code points on every database."""
    write_any_slots(driver, ROWS)
    pages: list[bytes] = []
    begin = first = driver.clock.now - 100 * HOUR
    while begin < driver.clock.now + 1_000 * HOUR:
        page = driver.service.snapshot("room", begin, driver.clock.now + 1_000 * HOUR, most=20)
        pages += [slot.body for slot in page.slots if slot.start >= begin or begin == first]
        begin = page.finish
    assert pages == expected(driver)
