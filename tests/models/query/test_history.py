"""Pages of the history: newest first, each entry once, about all or about one."""

from __future__ import annotations

from typing import Any

import pytest

from models.contract.answers import HistoryAnswer
from models.contract.commands.background import TrimLog
from models.contract.commands.slots import UpdateSlot
from models.contract.errors import NotFound
from models.query import history as query
from tests.models.driver import EVER, GUEST, STAFF, Driver, history


def _page(driver: Driver, most: int, before: int = EVER, **about: str) -> HistoryAnswer:
    wanted: Any = {"slot": "", "booking": "", **about}
    return driver.service.history(driver.calendar, **wanted, before=before, most=most)


def _walk(driver: Driver, most: int, **about: str) -> list[int]:
    """Return the seqs of all pages, in the order of the pages."""
    found: list[int] = []
    before: Any = EVER
    while isinstance(before, int):
        page = _page(driver, most, before, **about)
        assert len(page.entries) <= most
        found += [entry.seq for entry in page.entries]
        before = page.next
    return found


def _mixed(driver: Driver) -> str:
    """Leave entries of the log, of the table, and of both kinds after a trim; return the slot of them all."""
    (slot,) = driver.open(capacity=30)
    for place in range(9):
        driver.reserve(slot, principal=GUEST if place % 3 else STAFF)
    driver.clock.go(8 * 86_400)
    driver.service.run(TrimLog(calendar=driver.calendar))
    (slot,) = driver.open(capacity=30, start=driver.clock.now + 3_600_000)
    for place in range(9):
        driver.reserve(slot, principal=GUEST if place % 3 else STAFF)
    return slot


@pytest.mark.parametrize("most", [1, 4, 20, 200])
def test_pages_have_every_entry_once(driver: Driver, most: int) -> None:
    """By `next` a reader comes to every entry, newest first, wherever the entries are stored."""
    _mixed(driver)
    assert _walk(driver, most) == list(range(20, 0, -1))


def test_new_entries_move_no_page(driver: Driver) -> None:
    """An entry made between two pages is in none of them: the second goes on from the end of the first."""
    slot = _mixed(driver)
    first = _page(driver, 5)
    driver.reserve(slot)
    assert isinstance(first.next, int)
    assert [entry.seq for entry in _page(driver, 2, first.next).entries] == [15, 14]


def test_one_slot_or_booking(driver: Driver) -> None:
    """The entries about one slot or booking are found among all others, and none for an id of nothing."""
    here, there = driver.open(2, capacity=9)
    booked = [driver.reserve(slot) for slot in (here, there, here)]
    driver.cancel(booked[0])
    driver.service.run(UpdateSlot(principal=STAFF, slot=there, capacity=8))
    assert [entry["command"] for entry in history(driver, slot=there)] == ["slot.update", "slot.book", "slot.open"]
    assert [entry["command"] for entry in history(driver, booking=booked[0]["id"])] == ["booking.cancel", "slot.book"]
    assert len(history(driver, slot=here, booking=booked[2]["id"])) == 1
    assert history(driver, slot=there, booking=booked[2]["id"]) == []
    assert _walk(driver, 1, slot=here) == [entry["seq"] for entry in history(driver, slot=here)]
    for nothing in ("%", "_", booked[0]["id"][:-1], "'", booked[0]["id"].replace("-", "_")):
        assert history(driver, slot=nothing) == history(driver, booking=nothing) == []


def test_a_page_has_so_many_ids(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page ends early where its entries are about many slots, and `next` goes on."""
    monkeypatch.setattr(query, "CHARACTERS_A_PAGE", 1_000)
    for _ in range(3):
        driver.open(20)
    page = _page(driver, 200)
    assert [len(entry.slots) for entry in page.entries] == [20, 20]
    assert _walk(driver, 200) == [3, 2, 1]


def test_there_is_no_history_without_a_calendar(driver: Driver) -> None:
    """An unknown calendar is not found."""
    with pytest.raises(NotFound):
        history(driver, "nowhere")
