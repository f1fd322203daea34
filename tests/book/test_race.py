"""Many processes, the same seats."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter

import pytest

from models.service import Book
from tests.book.audit import audit
from tests.book.desk import Desk, FakeClock
from tests.support import ROOT

PROCESSES = 8
SLOTS = 500
MANY_PROCESSES = 16
ATTEMPTS, LONG_ATTEMPTS = 5_000, 100_000


def race(desk: Desk, guard: str, processes: int = PROCESSES) -> Counter[str]:
    """Lets the processes loose on the same slots; the codes of all their outcomes."""
    racers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.book.racer", desk.book.url, guard],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(processes)
    ]
    try:
        for racer in racers:
            assert racer.stdout is not None
            assert racer.stdout.readline() == "ready\n"
        for racer in racers:
            assert racer.stdin is not None
            racer.stdin.write("go\n")
            racer.stdin.flush()
        codes: Counter[str] = Counter()
        for racer in racers:
            assert racer.stdout is not None
            codes.update(json.loads(racer.stdout.readline()))
            assert racer.wait(30) == 0
        return codes
    finally:
        for racer in racers:
            racer.kill()
            racer.communicate()


def make_desk(book: Book, slots: int = SLOTS) -> Desk:
    """A desk with the slots that the racers want."""
    desk = Desk(book, FakeClock())
    desk.create()
    desk.open(slots)
    return desk


@pytest.mark.only("sqlite")
def test_every_seat_goes_to_one_of_eight_processes(book: Book) -> None:
    """Eight processes ask for the same 500 one-seat slots: each is booked once, and everyone is answered."""
    desk = make_desk(book)
    codes = race(desk, "guarded")
    assert codes == {"ok": SLOTS, "slot_unavailable": SLOTS * (PROCESSES - 1)}
    assert desk.query("SELECT COUNT(*), COUNT(DISTINCT slot) FROM booking") == [(SLOTS, SLOTS)]
    audit(desk.path)


def test_every_seat_goes_to_one_of_sixteen_processes(book: Book, request: pytest.FixtureRequest) -> None:
    """The same with sixteen of them, thousands of times; with `--long` a hundred thousand times."""
    attempts = LONG_ATTEMPTS if request.config.getoption("--long") else ATTEMPTS
    slots = -(-attempts // MANY_PROCESSES)
    desk = make_desk(book, slots)
    codes = race(desk, "guarded", MANY_PROCESSES)
    assert codes == {"ok": slots, "slot_unavailable": slots * (MANY_PROCESSES - 1)}
    assert desk.query("SELECT COUNT(*), COUNT(DISTINCT slot) FROM booking") == [(slots, slots)]
    audit(desk.path)


@pytest.mark.only("sqlite")
def test_the_race_catches_a_book_that_checks_and_then_inserts(book: Book) -> None:
    """The same race without the guard in the write double-books: so the test above can fail."""
    desk = make_desk(book)
    codes = race(desk, "check-then-insert")
    assert codes.total() == SLOTS * PROCESSES
    assert codes["ok"] > SLOTS
    assert desk.query("SELECT COUNT(*) > 0 FROM slot WHERE booked > capacity") == [(1,)]
